"""Text to SentencePiece token ids as a TensorFlow graph."""

import re
from collections.abc import Mapping

import tensorflow as tf
import tensorflow_text

# Begins a piece that begins a word.
WORD_START = "\u2581"

# Separates the tokens found from the text around them. These are no bytes of UTF-8.
_SEPARATOR = b"\xff\xfe\xff"


class SentencePiece(tf.Module):
    """Finds tokens that SentencePiece knows nothing of, and cuts the text between them.

    Each stretch of text is cut as if it stood alone, as GLM's own tokenizer does.

    What is saved with it must have it, or the layer that holds it, as an attribute.

    Args:
        model: a SentencePiece model, as its file holds it.
        found_tokens: ids of the tokens that are found whole in the text.

    Attributes:
        pieces: tuple of str. The model's pieces; a piece's place is its id.

    Raises:
        ValueError: if `model` is none of SentencePiece.
    """

    def __init__(self, model: bytes, *, found_tokens: Mapping[str, int]):
        super().__init__()
        with tf.init_scope(), tf.device("cpu"):
            try:
                self._tokenizer = tensorflow_text.SentencepieceTokenizer(model, out_type=tf.int32)
                num_pieces = self._tokenizer.vocab_size()
                pieces = self._tokenizer.id_to_string(tf.range(num_pieces)).numpy()
            except tf.errors.OpError as error:
                raise ValueError(
                    f"`model` must be a SentencePiece model. Received: {len(model)} bytes that "
                    "SentencePiece cannot read"
                ) from error
        self.pieces = tuple(piece.decode("utf-8") for piece in pieces)
        self._tokens = list(found_tokens)
        self._token_ids = list(found_tokens.values())
        # Of the tokens that begin in one place the longest counts: they are tried in order.
        self._pattern = "|".join(map(re.escape, sorted(self._tokens, key=len, reverse=True)))

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns texts into token ids.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8.

        Returns:
            int32 ragged tensor of shape `(batch_size, None)`.
        """
        # \C is any byte, also one that is not UTF-8.
        holds_tokens = tf.strings.regex_full_match(texts, rf"\C*({self._pattern})\C*")
        # Most batches hold no such token, and need no look at its stretches.
        return tf.cond(
            tf.reduce_any(holds_tokens),
            lambda: self._with_tokens(texts),
            lambda: self._tokenizer.tokenize(texts),
        )

    def _with_tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        rewrite = _SEPARATOR + rb"\1" + _SEPARATOR
        marked = tf.strings.regex_replace(texts, f"({self._pattern})", rewrite)
        stretches = tf.strings.split(marked, _SEPARATOR)
        same = tf.equal(stretches.values[:, tf.newaxis], self._tokens)
        is_token = tf.reduce_any(same, axis=1)
        ids = tf.gather(tf.constant(self._token_ids, tf.int32), tf.argmax(same, axis=1))
        own = tf.RaggedTensor.from_row_lengths(ids[is_token], tf.cast(is_token, tf.int64))
        of_text = self._tokenizer.tokenize(tf.where(is_token, "", stretches.values))
        return stretches.with_values(tf.concat([own, of_text], axis=1)).merge_dims(1, 2)
