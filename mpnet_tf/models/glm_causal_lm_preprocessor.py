"""Raw text with blanks into tokens, and tokens into the text that fills the blanks."""

import functools
import re

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from mpnet_tf.models.argument_checks import checked_texts
from mpnet_tf.models.blank_filling import BlankedText
from mpnet_tf.models.blank_roles import blank_roles
from mpnet_tf.models.filled_text import FilledText, fill_pieces
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer

# As GLM's vocabularies write a mask, and MPNet's.
_MASKS = ("[MASK]", "<mask>")


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMCausalLMPreprocessor(keras_hub.models.Preprocessor):
    """Turns texts into GLM's Part A, and generated tokens into text.

    Each mask token in a text is a blank: `[MASK]` for some words, `[sMASK]` for a sentence,
    `[gMASK]` for the rest of a text. A vocabulary with `<mask>` takes `[MASK]` for it, and the
    other way round. Where a text has none, it is to be continued: it gets `[gMASK]` at its end, or
    the mask token where the vocabulary lacks that.

    Args:
        tokenizer: a tokenizer whose vocabulary has `<|startofpiece|>` and `<|endofpiece|>`.
        end_token_after_document_mask: bool. Whether the end token follows a `[gMASK]` that ends a
            text, as in this package's pretraining. GLM's authors leave it out there. Default True.

    Call arguments:
        x: str, list of str or string tensor of rank 0 or 1.

    Returns:
        List of `BlankedText`.

    Raises:
        ValueError: if the vocabulary lacks a token that spans need.

    References:
        GLM (https://arxiv.org/abs/2103.10360), sections 2.1 and 2.2.
    """

    backbone_cls = GLMBackbone
    # Of presets: keras_hub loads whatever tokenizer is there.
    tokenizer_cls = TransformerTokenizer

    def __init__(self, tokenizer, end_token_after_document_mask=True, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer
        self.end_token_after_document_mask = end_token_after_document_mask
        self.built = True

    def call(self, x):
        return self.generate_preprocess(x)

    @functools.cached_property
    def roles(self):
        """`TokenRoles` of the vocabulary."""
        return blank_roles(self.tokenizer)

    def strings(self, inputs):
        """Returns texts of any kind as a list of str.

        Args:
            inputs: str, list of str, or string tensor or array of rank 0 or 1.

        Raises:
            ValueError: if they are no such thing.
        """
        return checked_texts("inputs", inputs)

    def tokens_of(self, texts, *, max_tokens=None, name="texts"):
        """Returns the token ids of texts, without special tokens around them.

        Args:
            texts: list of str.
            max_tokens: int or None. Most tokens that a text may have.
            name: str. What the caller calls `texts`, for the message of an error.

        Returns:
            List of lists of int.

        Raises:
            ValueError: if a text has more tokens.
        """
        texts = list(map(self.with_own_mask, texts))
        token_ids = self.tokenizer(texts).to_list() if texts else []
        _check_lengths(token_ids, max_tokens, name)
        return token_ids

    def generate_preprocess(self, x, *, max_tokens=None, name="x"):
        """Turns texts into Part A.

        Args:
            x: texts as a call takes them.
            max_tokens: int or None. Most tokens that Part A of a text may have.
            name: str. What the caller calls `x`, for the message of an error.

        Returns:
            List of `BlankedText`.

        Raises:
            ValueError: if `x` holds no texts, or one with too many tokens.
        """
        texts = list(map(self.with_own_mask, self.strings(x)))
        blanked = list(map(self._blanked, texts, self.tokens_of(texts)))
        _check_lengths([text.token_ids for text in blanked], max_tokens, name)
        return blanked

    @functools.cached_property
    def foreign_mask(self):
        """str, or None. The way to write a mask that this vocabulary does not know."""
        known = self.tokenizer.get_vocabulary()
        return next((mask for mask in _MASKS if mask not in known), None)

    def with_own_mask(self, text):
        """Writes the masks of a text as the vocabulary does."""
        if self.foreign_mask is None:
            return text
        return text.replace(self.foreign_mask, self.tokenizer.id_to_token(self.roles.mask_token_id))

    @property
    def mask_tokens(self):
        """Dict from the ids of the tokens that stand for a blank to these tokens."""
        roles = self.roles
        ids = (roles.mask_token_id, roles.sentence_mask_token_id, roles.document_mask_token_id)
        return {index: self.tokenizer.id_to_token(index) for index in ids if index is not None}

    def _blanked(self, text, token_ids):
        mask_tokens = self.mask_tokens
        document_mask = self.roles.document_mask_token_id
        if document_mask is None:
            document_mask = self.roles.mask_token_id
        pieces = re.split("|".join(map(re.escape, mask_tokens.values())), text)
        if not np.isin(token_ids, list(mask_tokens)).any():
            token_ids = [*token_ids, document_mask]
            pieces = [f"{text.rstrip()} " if text.strip() else "", ""]
        token_ids = [self.tokenizer.start_token_id, *token_ids]
        if self.end_token_after_document_mask or token_ids[-1] != document_mask:
            token_ids.append(self.tokenizer.end_token_id)
        positions = np.flatnonzero(np.isin(token_ids, list(mask_tokens))).tolist()
        if len(positions) != len(pieces) - 1:
            raise ValueError(
                "`inputs` must have each mask token apart from other text, so that the tokenizer "
                f"finds it. Received: {text!r}, with {len(pieces) - 1} mask tokens of which it "
                f"finds {len(positions)}"
            )
        return BlankedText(token_ids, positions, pieces)

    def generate_postprocess(self, texts, filled):
        """Puts what was generated into the texts.

        Args:
            texts: list of `BlankedText`.
            filled: list with, for each text, a list of the token ids for each blank.

        Returns:
            List of `FilledText`.
        """
        spans = [span for spans in filled for span in spans]
        with tf.device("cpu"):
            rows = tf.RaggedTensor.from_row_lengths(
                tf.constant(np.concatenate([[], *spans]), tf.int32),
                [len(span) for span in spans],
            )
            parts = iter(self.strings(self.tokenizer.detokenize(rows)))
        return [
            self._filled_text(text, spans, [next(parts) for _ in spans])
            for text, spans in zip(texts, filled, strict=True)
        ]

    def _filled_text(self, text, spans, parts):
        continues = [bool(span) and self.roles.is_continuation[span[0]] for span in spans]
        joined = fill_pieces(text.pieces, parts, continues=continues)
        return FilledText(joined, tuple(parts), tuple(map(tuple, spans)))

    def get_config(self):
        """Returns the configuration; the tokenizer's vocabulary is not part of it."""
        return {
            **super().get_config(),
            "end_token_after_document_mask": self.end_token_after_document_mask,
        }


def _check_lengths(token_ids, max_tokens, name):
    for index, row in enumerate(token_ids):
        if max_tokens is not None and len(row) > max_tokens:
            raise ValueError(
                f"`{name}` must have at most {max_tokens} tokens each, as many as the model has "
                f"positions. Received: {name}[{index}] with {len(row)}. Shorten the text."
            )
