"""MPNet's tokenizer: Hugging Face's token ids, computed in the TensorFlow graph."""

import hashlib
import json
import os
import re

import keras
import keras_hub
import numpy as np
import tensorflow as tf
import tensorflow_text

from mpnet_tf.data import bert_normalizer
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.models.mpnet_backbone import MPNetBackbone

VOCABULARY_FILE = "vocabulary.txt"
CONFIG_FILE = "tokenizer.json"

MAX_BYTES_PER_CHARACTER = 4

# Code points that the normaliser leaves alone, in RE2's syntax. Where the text itself holds one,
# Hugging Face removes it; U+E000, which the table removes, takes its place: removing it at once
# could join the halves of a special token.
_RESERVED_PATTERN = (
    rf"[\x{{{bert_normalizer.FIRST_RESERVED_CODE_POINT:X}}}"
    rf"-\x{{{bert_normalizer.LAST_RESERVED_CODE_POINT:X}}}]"
)
_REMOVED_CHARACTER = "\ue000"

# The normaliser puts spaces around all that is not part of a word.
_OVERLONG_WORD_PATTERN = f"[^ ]{{{vocabulary_lib.MAX_WORD_CHARACTERS + 1},}}"


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetTokenizer(keras_hub.models.Tokenizer):
    """Turns text into WordPiece token ids, and ids into text.

    The ids are those of Hugging Face's `MPNetTokenizerFast` without its template: the layer adds no
    `<s>` and `</s>`. `docs/tokenizer_differences.md` lists the code points whose combinations may
    give other ids. Special tokens written in the text become their ids, as they do there.

    All work is done by TensorFlow ops, in eager calls, in `tf.data` and in a SavedModel alike, by
    ops that stock TensorFlow Serving has linked.

    Args:
        vocabulary: list of str, or path of a `vocab.txt` (one token a line), or None to set it
            later by `set_vocabulary` or `load_assets`. Must hold `<s>`, `<pad>`, `</s>`, `<mask>`
            and `[UNK]` or `<unk>`; of these two `[UNK]` serves, where both are there.
        lowercase: bool. Whether to lowercase the text and strip its accents. Default True.

    Call arguments:
        inputs: str, list of str, or string tensor of rank 0 or 1.

    Returns:
        For rank 1 an int32 `tf.RaggedTensor` of shape `(batch_size, None)`; for one string an int32
        tensor of shape `(num_tokens,)`.

    Raises:
        ValueError: if the vocabulary has an empty or repeated entry or lacks a special token, or
            if the inputs have another rank.

    Example:

    >>> tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "mp", "##net", "<mask>"])
    >>> tokenizer(["MPNet", "mp <mask>"]).to_list()
    [[4, 5], [4, 6]]

    References:
        - [Song et al., 2020](https://arxiv.org/abs/2004.09297), section 3.1 (vocabulary).
        - [Song et al., 2021](https://arxiv.org/abs/2012.15524) (the WordPiece algorithm used).
    """

    backbone_cls = MPNetBackbone

    def __init__(self, vocabulary=None, lowercase=True, dtype="int32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.lowercase = lowercase
        self.file_assets = [VOCABULARY_FILE]
        self._normalizer = bert_normalizer.BertNormalizer(lowercase)
        self.vocabulary = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    def set_vocabulary(self, vocabulary):
        """Sets the vocabulary.

        Args:
            vocabulary: list of str, or path of a `vocab.txt`.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            tokens = vocabulary_lib.read_vocabulary(vocabulary)
        else:
            tokens = list(vocabulary)
            vocabulary_lib.check_vocabulary(tokens, source="vocabulary")
        self.vocabulary = tuple(tokens)
        self._token_ids = {token: index for index, token in enumerate(tokens)}
        self._special_token_attrs = []
        for name, token in [
            ("start_token", vocabulary_lib.START_TOKEN),
            ("pad_token", vocabulary_lib.PAD_TOKEN),
            ("end_token", vocabulary_lib.END_TOKEN),
            ("unk_token", vocabulary_lib.unknown_token(tokens)),
            ("mask_token", vocabulary_lib.MASK_TOKEN),
        ]:
            self._add_special_token(token, name)
        self._special_tokens = vocabulary_lib.special_tokens(tokens)
        self._set_wordpiece()

    def _set_wordpiece(self):
        # Special tokens travel through normaliser and WordPiece as one reserved character each.
        self._special_characters = {
            token: chr(bert_normalizer.FIRST_RESERVED_CODE_POINT + index)
            for index, token in enumerate(self._special_tokens)
        }
        self._unknown_character = self._special_characters[self.unk_token]
        entries = [
            self._special_characters.get(token) or _wordpiece_entry(token, index)
            for index, token in enumerate(self.vocabulary)
        ]
        self._wordpiece = tensorflow_text.FastWordpieceTokenizer(
            entries,
            token_out_type=tf.int32,
            unknown_token=self._unknown_character,
            # The op counts bytes and Hugging Face characters: `tokenize` sees to the characters.
            max_bytes_per_word=vocabulary_lib.MAX_WORD_CHARACTERS * MAX_BYTES_PER_CHARACTER,
        )

    def call(self, inputs):
        """Returns the ids as TensorFlow tensors, where the base class makes lists when eager."""
        return self.tokenize(inputs)

    def tokenize(self, inputs):
        """Turns text into token ids, as calling the layer does."""
        self._check_vocabulary()
        with tf.device("cpu"):
            texts = tf.convert_to_tensor(inputs, tf.string)
            if texts.shape.rank == 0:
                return self._tokenize_batch(texts[tf.newaxis]).flat_values
            if texts.shape.rank == 1:
                return self._tokenize_batch(texts)
            raise ValueError(f"`inputs` must have rank 0 or 1. Received: shape={texts.shape}")

    def _tokenize_batch(self, texts):
        texts = self._replace_special_tokens(texts)
        texts = self._normalizer(texts)
        # Hugging Face makes such a word unknown whatever it holds.
        texts = tf.strings.regex_replace(texts, _OVERLONG_WORD_PATTERN, self._unknown_character)
        return self._wordpiece.tokenize(texts)

    def _replace_special_tokens(self, texts):
        alternatives = [re.escape(token) for token in self._special_tokens] + [_RESERVED_PATTERN]
        # \C is any byte, also one that is not UTF-8.
        occurs = tf.strings.regex_full_match(texts, rf"\C*({'|'.join(alternatives)})\C*")

        def replaced():
            result = tf.strings.regex_replace(texts, _RESERVED_PATTERN, _REMOVED_CHARACTER)
            for token, character in self._special_characters.items():
                result = tf.strings.regex_replace(result, re.escape(token), f" {character} ")
            return result

        # Most batches hold no special token, and one look is six times faster than the seven
        # replacements.
        return tf.cond(tf.reduce_any(occurs), replaced, lambda: texts)

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

    def get_vocabulary(self):
        """Returns the tokens as a list of str; a token's place is its id."""
        self._check_vocabulary()
        return list(self.vocabulary)

    def vocabulary_size(self):
        """Returns the number of tokens."""
        self._check_vocabulary()
        return len(self.vocabulary)

    def id_to_token(self, id):
        """Returns the token of an id; ValueError where it is out of range."""
        if not 0 <= id < self.vocabulary_size():
            raise ValueError(
                f"`id` must be in [0, {self.vocabulary_size() - 1}]. Received: id={id}"
            )
        return self.vocabulary[id]

    def token_to_id(self, token):
        """Returns the id of a token; ValueError where the vocabulary lacks it."""
        self._check_vocabulary()
        if token not in self._token_ids:
            raise ValueError(f"`token` must be in the vocabulary. Received: token={token!r}")
        return self._token_ids[token]

    @property
    def special_tokens(self):
        """All special tokens in the vocabulary, in the order of their ids."""
        self._check_vocabulary()
        return list(self._special_tokens)

    @property
    def special_token_ids(self):
        """Ids of all special tokens in the vocabulary, ascending."""
        self._check_vocabulary()
        return [self._token_ids[token] for token in self._special_tokens]

    @property
    def continuation_flags(self):
        """NumPy bool array of shape `(vocabulary_size,)`; True means the token continues a word."""
        prefix = vocabulary_lib.CONTINUATION_PREFIX
        return np.array([token.startswith(prefix) for token in self.get_vocabulary()])

    @property
    def fingerprint(self):
        """SHA-256, in hexadecimal, of all that decides the ids: equal means equal ids."""
        decisive = {"vocabulary": self.get_vocabulary(), "lowercase": self.lowercase}
        encoded = json.dumps(decisive, sort_keys=True).encode("utf-8")
        return hashlib.sha256(encoded).hexdigest()

    def save_assets(self, dir_path):
        """Writes the vocabulary into a folder."""
        path = os.path.join(dir_path, VOCABULARY_FILE)
        vocabulary_lib.write_vocabulary(self.get_vocabulary(), path)

    def load_assets(self, dir_path):
        """Reads the vocabulary from a folder that `save_assets` wrote to."""
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    @classmethod
    def from_preset(cls, preset, config_file=CONFIG_FILE, **kwargs):
        """Loads the tokenizer of a preset, or one that was saved on its own.

        Args:
            preset: str. What keras_hub's `from_preset` takes; or a local folder with a tokenizer
                and a body of any class or none, which the base class refuses.
            config_file: str. Name of the tokenizer's configuration in the preset.
            **kwargs: constructor arguments that replace those of the configuration.
        """
        config_path = os.path.join(preset, config_file)
        if not os.path.exists(config_path):
            return super().from_preset(preset, config_file=config_file, **kwargs)
        with open(config_path, encoding="utf-8") as file:
            config = json.load(file)
        config["config"].update(kwargs)
        tokenizer = keras.saving.deserialize_keras_object(config)
        tokenizer.load_preset_assets(preset)
        return tokenizer

    def get_config(self):
        """Returns the configuration, without the vocabulary: it is saved as an asset."""
        config = super().get_config()
        config.update({"vocabulary": None, "lowercase": self.lowercase})
        return config

    def _check_vocabulary(self):
        if self.vocabulary is None:
            raise ValueError(
                "The tokenizer has no vocabulary. Pass `vocabulary` or call `set_vocabulary`."
            )


def _wordpiece_entry(token, index):
    """Returns what the WordPiece op must look for in normalised text to find a token.

    Hugging Face never finds a token with white space or a private-use character in it. The op
    would, but it leaves out entries that mix punctuation with other characters.
    """
    first_own = chr(bert_normalizer.FIRST_STAND_IN)
    if any(character.isspace() or character >= first_own for character in token):
        # No other entry can be the same: one with such a character comes here itself.
        return f"{first_own}<{index}>"
    return bert_normalizer.replace_by_stand_ins(token)
