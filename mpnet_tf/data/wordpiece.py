"""Text to WordPiece token ids as a TensorFlow graph."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_text

from mpnet_tf.data import added_tokens as added_tokens_lib
from mpnet_tf.data import bert_normalizer, offsets
from mpnet_tf.data import vocabulary as vocabulary_lib

_MAX_BYTES_PER_CHARACTER = 4

# The normaliser puts spaces around all that is not part of a word.
_OVERLONG_WORD_PATTERN = f"[^ ]{{{vocabulary_lib.MAX_WORD_CHARACTERS + 1},}}"


class WordPiece:
    """Finds added tokens, normalises the text between them and cuts its words into pieces.

    Args:
        vocabulary: the tokens; a token's place is its id.
        unk_token: the token for words that no pieces make up.
        added_tokens: tokens that are found whole.
        normalizer: normalises the text.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        unk_token: str,
        added_tokens: Sequence[added_tokens_lib.AddedToken],
        normalizer: bert_normalizer.BertNormalizer,
    ):
        self._normalizer = normalizer
        found = dict.fromkeys([*(token.content for token in added_tokens), unk_token])
        characters = added_tokens_lib.reserved_characters(list(found))
        self._unknown_character = characters[unk_token]
        self._given_characters = {
            token.content: characters[token.content]
            for token in added_tokens
            if not token.normalized
        }
        self._normalized_characters = {
            self._normalize(token.content): characters[token.content]
            for token in added_tokens
            if token.normalized
        }
        entries = [
            characters.get(token) or self._entry(token, index)
            for index, token in enumerate(vocabulary)
        ]
        self._wordpiece = tensorflow_text.FastWordpieceTokenizer(
            entries,
            token_out_type=tf.int32,
            unknown_token=self._unknown_character,
            # The op counts bytes and Hugging Face characters: a call sees to the characters.
            max_bytes_per_word=vocabulary_lib.MAX_WORD_CHARACTERS * _MAX_BYTES_PER_CHARACTER,
        )

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Turns texts into token ids.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8.

        Returns:
            int32 ragged tensor of shape `(batch_size, None)`.
        """
        texts = added_tokens_lib.replace_given(texts, self._given_characters)
        texts = self._normalizer(texts)
        texts = added_tokens_lib.replace_normalized(texts, self._normalized_characters)
        return self._wordpiece.tokenize(self._without_overlong_words(texts))

    def tokenize_with_offsets(
        self, texts: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Turns texts into token ids, and tells where in the text each token comes from.

        Args:
            texts: string tensor of shape `(batch_size,)`, UTF-8.

        Returns:
            int32 ragged tensors of shape `(batch_size, None)`: the token ids, the first character
            (Unicode code point, from 0) of each token in its text, and the one after its last.
        """
        found = added_tokens_lib.replace_given(texts, self._given_characters)
        normalized, byte_offsets = self._normalizer.normalize_with_offsets(found)
        marked = added_tokens_lib.replace_normalized(normalized, self._normalized_characters)
        cut = self._without_overlong_words(marked)
        token_ids, starts, ends = self._wordpiece.tokenize_with_offsets(cut)

        rows = token_ids.value_rowids()
        text_starts = tf.gather(offsets.joined_starts(cut), rows)
        span = (starts.values + text_starts, ends.values + text_starts - 1)
        span = offsets.before_words_replaced(*span, before=marked, after=cut)
        if self._normalized_characters:
            lengths = {
                character: len(token.encode("utf-8"))
                for token, character in self._normalized_characters.items()
            }
            span = offsets.before_tokens_replaced(*span, after=marked, token_lengths=lengths)
        span = offsets.before_normalized(*span, before=found, byte_offsets=byte_offsets)
        lengths = {character: len(token) for token, character in self._given_characters.items()}
        starts, ends = offsets.character_spans(*span, rows=rows, after=found, token_lengths=lengths)
        return token_ids, token_ids.with_values(starts), token_ids.with_values(ends)

    def _without_overlong_words(self, texts: tf.Tensor) -> tf.Tensor:
        # Hugging Face makes such a word unknown whatever it holds.
        return tf.strings.regex_replace(texts, _OVERLONG_WORD_PATTERN, self._unknown_character)

    def _normalize(self, token: str) -> str:
        with tf.init_scope():
            normalized = self._normalizer(tf.constant([token])).numpy()[0].decode("utf-8")
        if not normalized.strip():
            raise ValueError(f"The normaliser leaves nothing of the added token {token!r}.")
        return normalized

    def _entry(self, token: str, index: int) -> str:
        """Returns what the op must look for in normalised text to find a token.

        Hugging Face never finds a token with white space or a private-use character in it. The op
        would, but it leaves out entries that mix punctuation with other characters.
        """
        split_chinese = self._normalizer.split_chinese
        first_own = bert_normalizer.first_stand_in(split_chinese)
        if any(character.isspace() or character >= first_own for character in token):
            # No other entry can be the same: one with such a character comes here itself.
            return f"{first_own}<{index}>"
        return bert_normalizer.replace_by_stand_ins(token, split_chinese)
