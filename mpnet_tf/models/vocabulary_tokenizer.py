"""What a tokenizer with a list of tokens answers about them."""

import os

import keras_hub
import numpy as np

from mpnet_tf.data import vocabulary as vocabulary_lib

VOCABULARY_FILE = "vocabulary.txt"


class VocabularyTokenizer(keras_hub.models.Tokenizer):
    """Base of tokenizers with a vocabulary: looks tokens up, and saves and loads them.

    A subclass gives `set_vocabulary`, which sets `vocabulary` (tuple of str), `_token_ids` (dict
    from tokens to ids) and `_special_tokens` (list of str in the order of their ids).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.file_assets = [VOCABULARY_FILE]
        self.vocabulary = None

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

    def save_assets(self, dir_path):
        """Writes the vocabulary into a folder."""
        path = os.path.join(dir_path, VOCABULARY_FILE)
        vocabulary_lib.write_vocabulary(self.get_vocabulary(), path)

    def load_assets(self, dir_path):
        """Reads the vocabulary from a folder that `save_assets` wrote to."""
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    def _check_vocabulary(self):
        if self.vocabulary is None:
            raise ValueError(
                "The tokenizer has no vocabulary. Pass `vocabulary` or call `set_vocabulary`."
            )
