"""A model on its way between libraries: its settings, weights and tokenizer, without its code."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from mpnet_tf.conversion.byte_pair_files import BytePairSettings
from mpnet_tf.conversion.sentencepiece_files import SentencePieceSettings
from mpnet_tf.conversion.wordpiece_settings import TokenizerSettings


@dataclasses.dataclass(frozen=True)
class PretrainedModel:
    """A model as every converter hands it on.

    Args:
        body: str. A name in `mpnet_tf.models.BODIES`.
        task: str. One of `mpnet_tf.models.TASKS`.
        settings: mapping. What the body's class takes.
        head_settings: mapping. What the task's class takes besides.
        weights: mapping from variable paths to arrays. Without those of the head where the source
            had no such head.
        tokenizer: settings as `read_tokenizer_files` returns them, or None where the source had
            none.
        carried_config: mapping. Entries of the source's configuration that nothing here reads.
        carried_tensors: mapping from names to arrays. Tensors of the source that the task has no
            use for, under the source's names.
        carried_embedder: mapping. Of a sentence-transformers model, how it is to be used:
            `max_sequence_length`, prompts and the like.
    """

    body: str
    task: str
    settings: Mapping
    weights: Mapping[str, np.ndarray]
    head_settings: Mapping = dataclasses.field(default_factory=dict)
    tokenizer: TokenizerSettings | SentencePieceSettings | BytePairSettings | None = None
    carried_config: Mapping = dataclasses.field(default_factory=dict)
    carried_tensors: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    carried_embedder: Mapping = dataclasses.field(default_factory=dict)
