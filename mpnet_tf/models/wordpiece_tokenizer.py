"""WordPiece tokenizer: Hugging Face's token ids, computed in the TensorFlow graph."""

import dataclasses
import os

import keras
import tensorflow as tf

from mpnet_tf.conversion.wordpiece_settings import TokenizerSettings
from mpnet_tf.data import added_tokens as added_tokens_lib
from mpnet_tf.data import bert_normalizer
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.wordpiece import WordPiece
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer

VOCABULARY_FILE = "vocabulary.txt"


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerTokenizer(VocabularyTokenizer):
    """Turns text into WordPiece token ids, and ids into text.

    The ids are those of Hugging Face's fast tokenizers of BERT and MPNet without their templates:
    the layer adds no special tokens. `docs/tokenizer_differences.md` lists the code points whose
    combinations may give other ids. Special tokens written in the text become their ids, as they do
    there.

    All work is done by TensorFlow ops, in eager calls, in `tf.data` and in a SavedModel alike, by
    ops that stock TensorFlow Serving has linked.

    Args:
        vocabulary: list of str, or path of a `vocab.txt` (one token a line), or None to set it
            later by `set_vocabulary` or `load_assets`.
        lowercase: bool. Whether to lowercase the text. Default True.
        strip_accents: bool or None. Whether to strip the text's accents; None means only if it is
            lowercased. Default None.
        split_chinese: bool. Whether each Chinese character is a word by itself. Default True.
        special_tokens: dict with a token for each of `start_token`, `pad_token`, `end_token`,
            `mask_token` and `unk_token`, or None: then the vocabulary must hold MPNet's (`<s>`,
            `<pad>`, `</s>`, `<mask>` and `[UNK]` or `<unk>`; of these two `[UNK]` serves, where
            both are there) or else BERT's (`[CLS]`, `[PAD]`, `[SEP]`, `[MASK]`, `[UNK]`). Default
            None.
        added_tokens: list of `AddedToken`, or of dicts with its arguments: all tokens to be found
            whole in the text. None means the special tokens above and those of blank infilling.
            Default None.
        pair_separators: int or None. How many end tokens `TextPacker` puts between the texts of a
            pair. None means 1 with BERT's special tokens, else 2. Default None.
        has_segment_ids: bool or None. Whether the model has segment ids to tell the texts of a pair
            apart. None means only with BERT's special tokens. Default None.
        model_max_length: int or None. Most tokens that the model takes, where that is known; for
            the files of other libraries. Default None.

    Call arguments:
        inputs: str, list of str, or string tensor of rank 0 or 1.

    Returns:
        For rank 1 an int32 `tf.RaggedTensor` of shape `(batch_size, None)`; for one string an int32
        tensor of shape `(num_tokens,)`.

    Raises:
        ValueError: if the vocabulary has an empty or repeated entry or lacks a special token, if
            `special_tokens` lacks a role, or if the inputs have another rank.

    Example:

    >>> tokenizer = TransformerTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "a", "##b", "<mask>"])
    >>> tokenizer(["AB", "a <mask>"]).to_list()
    [[4, 5], [4, 6]]

    References:
        - [Song et al., 2021](https://arxiv.org/abs/2012.15524) (the WordPiece algorithm used).
    """

    settings_cls = TokenizerSettings

    def __init__(
        self,
        vocabulary=None,
        lowercase=True,
        strip_accents=None,
        split_chinese=True,
        special_tokens=None,
        added_tokens=None,
        pair_separators=None,
        has_segment_ids=None,
        model_max_length=None,
        dtype="int32",
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        if special_tokens is not None and set(special_tokens) != set(vocabulary_lib.ROLES):
            raise ValueError(
                f"`special_tokens` must name {', '.join(vocabulary_lib.ROLES)}. "
                f"Received: special_tokens={special_tokens}"
            )
        self.file_assets = [VOCABULARY_FILE]
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.split_chinese = split_chinese
        self._given_roles = None if special_tokens is None else dict(special_tokens)
        self._given_added_tokens = None
        if added_tokens is not None:
            self._given_added_tokens = tuple(map(_as_added_token, added_tokens))
        self._given_pair_separators = pair_separators
        self._given_has_segment_ids = has_segment_ids
        self.model_max_length = model_max_length
        self._normalizer = bert_normalizer.BertNormalizer(lowercase, strip_accents, split_chinese)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    def set_vocabulary(self, vocabulary):
        """Sets the vocabulary.

        Args:
            vocabulary: list of str, or path of a `vocab.txt`.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            tokens = vocabulary_lib.read_vocabulary(vocabulary, roles=self._given_roles)
        else:
            tokens = list(vocabulary)
            vocabulary_lib.check_vocabulary(tokens, source="vocabulary", roles=self._given_roles)
        roles = self._given_roles or vocabulary_lib.special_roles(tokens)
        added_tokens = self._given_added_tokens
        if added_tokens is None:
            added_tokens = added_tokens_lib.default_added_tokens(tokens, roles)
        added_tokens_lib.check_added_tokens(added_tokens, tokens)
        special = {*roles.values(), *(token.content for token in added_tokens if token.special)}
        self._set_tokens(tokens, roles=roles, special_tokens=special)
        self.added_tokens = tuple(
            sorted(added_tokens, key=lambda token: self._token_ids[token.content])
        )
        self._wordpiece = WordPiece(
            tokens,
            unk_token=self.unk_token,
            added_tokens=self.added_tokens,
            normalizer=self._normalizer,
        )

    def _ids_of(self, texts):
        return self._wordpiece(texts)

    def tokenize_with_offsets(self, inputs):
        """Turns text into token ids, and tells where in the text each token comes from.

        The spans are those of `return_offsets_mapping` of Hugging Face's fast tokenizers, except
        that a special token's does not take in the white space beside it.

        Args:
            inputs: list of str, or string tensor of rank 1.

        Returns:
            Tuple of int32 `tf.RaggedTensor`s of shape `(batch_size, None)`: the token ids, as
            calling the layer gives them; the first character (Unicode code point, from 0) of each
            token in its text; and the one after its last. Several tokens have the same span where
            the tokenizer takes a character apart.

        Example:

        >>> vocabulary = ["<s>", "<pad>", "</s>", "[UNK]", "a", "##b", "<mask>"]
        >>> tokenizer = TransformerTokenizer(vocabulary)
        >>> _, starts, ends = tokenizer.tokenize_with_offsets([" AB<mask>"])
        >>> list(zip(starts[0].numpy().tolist(), ends[0].numpy().tolist()))
        [(1, 2), (2, 3), (3, 9)]
        """
        self._check_vocabulary()
        with tf.device("cpu"):
            texts = tf.convert_to_tensor(inputs, tf.string)
            if texts.shape.rank != 1:
                raise ValueError(f"`inputs` must have rank 1. Received: shape={texts.shape}")
            return self._wordpiece.tokenize_with_offsets(texts)

    def detokenize(self, inputs):
        """Turns token ids into text: pieces are joined, words are set apart by a space.

        Args:
            inputs: int tensor or ragged tensor of rank 1 or 2.

        Returns:
            String tensor of rank 0 or 1.
        """
        self._check_vocabulary()
        with tf.device("cpu"):
            pieces = tf.gather(tf.constant(self.vocabulary), inputs)
            texts = tf.strings.reduce_join(pieces, separator=" ", axis=-1)
            return tf.strings.regex_replace(texts, f" {vocabulary_lib.CONTINUATION_PREFIX}", "")

    @property
    def pair_separators(self):
        """How many end tokens stand between the texts of a pair."""
        if self._given_pair_separators is not None:
            return self._given_pair_separators
        return 1 if self._is_berts() else 2

    @property
    def has_segment_ids(self):
        """Whether the texts of a pair are told apart by segment ids."""
        if self._given_has_segment_ids is not None:
            return self._given_has_segment_ids
        return self._is_berts()

    def _is_berts(self):
        return vocabulary_lib.layout_of_roles(self.roles) == "BERT"

    def settings(self):
        """Returns all of this as `TokenizerSettings`, which the files of other libraries hold."""
        return self.settings_cls(
            vocabulary=tuple(self.get_vocabulary()),
            lowercase=self.lowercase,
            strip_accents=self.strip_accents,
            split_chinese=self.split_chinese,
            special_tokens=self.roles,
            pair_separators=self.pair_separators,
            has_segment_ids=self.has_segment_ids,
            model_max_length=self.model_max_length,
            added_tokens=self.added_tokens,
        )

    def _continues(self, token):
        return token.startswith(vocabulary_lib.CONTINUATION_PREFIX)

    def _decisive_settings(self):
        decisive = {"vocabulary": self.get_vocabulary(), "lowercase": self.lowercase}
        # Only what differs from the defaults, so that a fingerprint stays when settings are added.
        strip_accents = bert_normalizer.strips_accents(self.lowercase, self.strip_accents)
        if strip_accents != self.lowercase:
            decisive["strip_accents"] = strip_accents
        if not self.split_chinese:
            decisive["split_chinese"] = False
        roles = self.roles
        if roles != vocabulary_lib.special_roles(self.vocabulary):
            decisive["special_tokens"] = roles
        if self.added_tokens != added_tokens_lib.default_added_tokens(self.vocabulary, roles):
            decisive["added_tokens"] = list(map(dataclasses.asdict, self.added_tokens))
        return decisive

    def save_assets(self, dir_path):
        """Writes the vocabulary into a folder."""
        path = os.path.join(dir_path, VOCABULARY_FILE)
        vocabulary_lib.write_vocabulary(self.get_vocabulary(), path)

    def load_assets(self, dir_path):
        """Reads the vocabulary from a folder that `save_assets` wrote to."""
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def get_config(self):
        """Returns the configuration, without the vocabulary: it is saved as an asset."""
        config = super().get_config()
        roles, added_tokens = self._given_roles, self._given_added_tokens
        if added_tokens is not None:
            added_tokens = list(map(dataclasses.asdict, added_tokens))
        config.update(
            {
                "vocabulary": None,
                "lowercase": self.lowercase,
                "strip_accents": self.strip_accents,
                "split_chinese": self.split_chinese,
                "special_tokens": None if roles is None else dict(roles),
                "added_tokens": added_tokens,
                "pair_separators": self._given_pair_separators,
                "has_segment_ids": self._given_has_segment_ids,
                "model_max_length": self.model_max_length,
            }
        )
        return config


def _as_added_token(token):
    if isinstance(token, added_tokens_lib.AddedToken):
        return token
    return added_tokens_lib.AddedToken(**token)
