"""Filling the blanks of raw sentences, in Python and as a SavedModel."""

import os

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.data.output_directory import appearing_directory


class FillMask:
    """Guesses the tokens that stand behind `<mask>` in sentences.

    Everything is TensorFlow ops that stock TensorFlow Serving has linked, so that a call in Python
    and the exported model are one computation. A text longer than the model's position table is
    cut at its end, and blanks beyond the cut are not counted.

    Args:
        masked_lm: `mpnet_tf.models.TransformerMaskedLM`, on any body.
        tokenizer: `mpnet_tf.models.MPNetTokenizer` with the model's vocabulary.
        top_k: int, from 1 to the number of tokens that stand for text. Guesses for each blank.

    Call arguments:
        text: list of str, or string tensor `(batch_size,)`. UTF-8 with any number of `<mask>`.

    Returns:
        A dict of tensors, where `max_blanks` is the largest number of blanks in a text and what
        lies beyond a text's own is "" and 0:

        - `tokens`: string `(batch_size, max_blanks, top_k)`, likeliest first, as the vocabulary
          writes them (`##ing` continues a word); never a special token.
        - `scores`: float32 of the same shape. Probabilities within the whole vocabulary.
        - `num_blanks`: int32 `(batch_size,)`.

    Raises:
        ValueError: if the vocabularies' sizes differ or `top_k` is out of range.

    Example:

    ```python
    fill_mask = FillMask(masked_lm, tokenizer, top_k=3)
    fill_mask(["The capital of France is <mask>."])["tokens"]
    ```
    """

    def __init__(self, masked_lm, tokenizer, *, top_k=5):
        vocabulary_size = tokenizer.vocabulary_size()
        if masked_lm.backbone.vocabulary_size != vocabulary_size:
            raise ValueError(
                "`tokenizer` must have the model's vocabulary of "
                f"{masked_lm.backbone.vocabulary_size} tokens. "
                f"Received: a tokenizer with {vocabulary_size} tokens"
            )
        special_token_ids = list(tokenizer.special_token_ids)
        most = vocabulary_size - len(special_token_ids)
        if not 1 <= top_k <= most:
            raise ValueError(
                f"`top_k` must be from 1 to {most}, the vocabulary without its special tokens. "
                f"Received: top_k={top_k}"
            )
        self.masked_lm = masked_lm
        self.tokenizer = tokenizer
        self.top_k = top_k
        self.max_sequence_length = masked_lm.backbone.max_sequence_length
        self._vocabulary = tokenizer.get_vocabulary()
        self._is_special = np.zeros(vocabulary_size, dtype=bool)
        self._is_special[special_token_ids] = True

    def __call__(self, text):
        token_ids, padding_mask = self._token_ids(tf.convert_to_tensor(text, tf.string))
        mask_positions, is_blank = self._mask_positions(token_ids)
        inputs = {
            "token_ids": token_ids,
            "padding_mask": padding_mask,
            "mask_positions": mask_positions,
        }
        if self.masked_lm.backbone.num_segments:
            # A text is a single sentence, or the first of a pair, to a body that tells them apart.
            inputs["segment_ids"] = tf.zeros_like(token_ids)
        logits = self.masked_lm(inputs, training=False)
        guesses, scores = self._guesses(logits)
        # (batch_size, max_blanks, 1)
        is_guess = is_blank[:, :, tf.newaxis]
        return {
            "tokens": tf.where(is_guess, tf.gather(tf.constant(self._vocabulary), guesses), ""),
            "scores": tf.where(is_guess, scores, 0.0),
            "num_blanks": tf.reduce_sum(tf.cast(is_blank, tf.int32), axis=1),
        }

    def _token_ids(self, text):
        """Tokenizes, cuts and pads; two int32 tensors `(batch_size, sequence_length)`."""
        # Ragged slicing is core TensorFlow; TensorFlow Text's trimmers are not in every server.
        token_ids = self.tokenizer(text)[:, : self.max_sequence_length - 2]
        column = tf.zeros_like(text, dtype=tf.int32)[:, tf.newaxis]
        token_ids = tf.concat(
            [
                column + self.tokenizer.start_token_id,
                token_ids,
                column + self.tokenizer.end_token_id,
            ],
            axis=1,
        )
        padding_mask = tf.ones_like(token_ids).to_tensor()
        return token_ids.to_tensor(self.tokenizer.pad_token_id), padding_mask

    def _mask_positions(self, token_ids):
        """Lists the blanks: int32 and bool tensors `(batch_size, max_blanks)`."""
        places = tf.where(tf.equal(token_ids, self.tokenizer.mask_token_id))
        positions = tf.RaggedTensor.from_value_rowids(
            tf.cast(places[:, 1], tf.int32),
            places[:, 0],
            nrows=tf.shape(token_ids, out_type=tf.int64)[0],
            validate=False,
        )
        return positions.to_tensor(), tf.cast(tf.ones_like(positions).to_tensor(), tf.bool)

    def _guesses(self, logits):
        """Picks the best text tokens: ids and probabilities `(batch_size, max_blanks, top_k)`."""
        probabilities = tf.nn.softmax(logits)
        # Below every probability, so that special tokens come last even where all others are 0.
        candidates = tf.where(tf.constant(self._is_special), -1.0, probabilities)
        scores, guesses = tf.math.top_k(candidates, k=self.top_k)
        return guesses, scores


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
