"""Filling the blanks of raw sentences as a SavedModel."""

import os

import keras
import tensorflow as tf

from mpnet_tf.data.output_directory import appearing_directory
from mpnet_tf.models.fill_mask import FillMask

__all__ = ["FillMask", "export_fill_mask"]


def export_fill_mask(masked_lm, tokenizer, output_directory, *, top_k=5):
    """Writes a SavedModel that fills blanks in raw sentences.

    Its signature `fill_mask`, also there as `serving_default`, takes `text` and returns `tokens`,
    `scores` and `num_blanks` as `FillMask` does. Whoever loads it must have imported
    `tensorflow_text`, whose tokenizer ops are in it.

    Args:
        masked_lm: `mpnet_tf.models.TransformerMaskedLM`, on any body.
        tokenizer: `mpnet_tf.models.MPNetTokenizer` with the model's vocabulary.
        output_directory: str or path. Must not exist; it appears when the model is complete.
        top_k: int. Guesses for each blank.

    Raises:
        FileExistsError: if `output_directory` exists.
        OSError: if the model cannot be written.
        ValueError: if the arguments do not fit together, as `FillMask` says.
    """
    output_directory = os.path.abspath(output_directory)
    if os.path.lexists(output_directory):
        raise FileExistsError(
            "`output_directory` must not exist yet. "
            f"Received: output_directory={output_directory!r}"
        )
    fill_mask = FillMask(masked_lm, tokenizer, top_k=top_k)
    archive = keras.export.ExportArchive()
    archive.track(masked_lm)
    archive.add_endpoint(
        "fill_mask",
        fill_mask.__call__,
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    with appearing_directory(output_directory) as unfinished:
        try:
            # Keras also makes the first endpoint `serving_default`.
            archive.write_out(unfinished, verbose=False)
        except tf.errors.OpError as error:
            raise OSError(f"Cannot write {output_directory}: {error.message}") from error
