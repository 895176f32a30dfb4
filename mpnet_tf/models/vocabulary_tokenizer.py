"""What all tokenizers share: their tokens and roles, and their files."""

import dataclasses
import hashlib
import json
import os

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from mpnet_tf.conversion.tokenizer_files import read_tokenizer_files
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.transformer_backbone import TransformerBackbone

CONFIG_FILE = "tokenizer.json"


class VocabularyTokenizer(keras_hub.models.Tokenizer):
    """Base of tokenizers: looks tokens up, knows their roles, and reads other libraries' files.

    A subclass sets `settings_cls`, `file_assets` and `continuation_flags`, and gives `_ids_of` and
    `_decisive_settings`. When its vocabulary is there it calls `_set_tokens`.
    """

    backbone_cls = TransformerBackbone
    # Of `mpnet_tf.conversion`: the dataclass with all that the tokenizer knows.
    settings_cls = None
    lowercase = False
    # How `TextPacker` puts a pair into a row, unless a subclass says otherwise.
    pair_separators = 1
    has_segment_ids = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary = None

    def _set_tokens(self, tokens, *, roles, special_tokens):
        """Sets the vocabulary.

        Args:
            tokens: list of str. A token's place is its id.
            roles: dict from the names in `mpnet_tf.data.vocabulary.ROLES` to tokens.
            special_tokens: iterable of str. The tokens that stand for no text.
        """
        self.vocabulary = tuple(tokens)
        self._token_ids = {token: index for index, token in enumerate(tokens)}
        self._special_tokens = sorted(set(special_tokens), key=self._token_ids.get)
        self._special_token_attrs = []
        for name in vocabulary_lib.ROLES:
            self._add_special_token(roles[name], name)

    def call(self, inputs):
        """Returns the ids as TensorFlow tensors, where the base class makes lists when eager."""
        return self.tokenize(inputs)

    def tokenize(self, inputs):
        """Turns text into token ids, as calling the layer does."""
        self._check_vocabulary()
        with tf.device("cpu"):
            texts = tf.convert_to_tensor(inputs, tf.string)
            if texts.shape.rank == 0:
                return self._ids_of(texts[tf.newaxis]).flat_values
            if texts.shape.rank == 1:
                return self._ids_of(texts)
            raise ValueError(f"`inputs` must have rank 0 or 1. Received: shape={texts.shape}")

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
    def roles(self):
        """Dict from `start_token` and the other roles to their tokens."""
        self._check_vocabulary()
        return {role: getattr(self, role) for role in vocabulary_lib.ROLES}

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
        return np.array([self._continues(token) for token in self.get_vocabulary()])

    @property
    def graph_resources(self):
        """list. What a SavedModel must keep beside the graph that tokenises; mostly nothing."""
        return []

    @property
    def fingerprint(self):
        """SHA-256, in hexadecimal, of all that decides the ids: equal means equal ids."""
        encoded = json.dumps(self._decisive_settings(), sort_keys=True).encode("utf-8")
        return hashlib.sha256(encoded).hexdigest()

    @classmethod
    def from_preset(cls, preset, config_file=CONFIG_FILE, **kwargs):
        """Loads the tokenizer of a preset, one that was saved on its own, or another library's.

        Args:
            preset: str. What keras_hub's `from_preset` takes; a local folder with a tokenizer and a
                body of any class or none, which the base class refuses; or, for a class with
                `settings_cls`, a folder with another library's files, here or as `hf://user/model`.
            config_file: str. Name of the tokenizer's configuration in the preset.
            **kwargs: constructor arguments that replace those of the configuration.

        Returns:
            A tokenizer of the class that was saved, if it is one of this class, else of this class.

        Raises:
            ValueError: if the tokenizer there is of another kind, or does what none here can.
        """
        directory = local_directory(preset, weights=False) or preset
        settings = read_tokenizer_files(directory)
        if settings is not None:
            _check_kind(cls, type(settings), preset)
            return cls(**{**_arguments(settings), **kwargs})
        config_path = os.path.join(preset, config_file)
        if not os.path.exists(config_path):
            return super().from_preset(preset, config_file=config_file, **kwargs)
        with open(config_path, encoding="utf-8") as file:
            config = json.load(file)
        config["config"].update(kwargs)
        tokenizer = keras.saving.deserialize_keras_object(config)
        _check_kind(cls, tokenizer.settings_cls, preset)
        if not isinstance(tokenizer, cls):
            # The classes differ in their body alone.
            tokenizer = cls.from_config(config["config"])
        tokenizer.load_preset_assets(preset)
        return tokenizer

    @classmethod
    def from_settings(cls, settings):
        """Makes a tokenizer of `settings_cls`, as the files of other libraries give it."""
        return cls(**_arguments(settings))

    def _check_vocabulary(self):
        if self.vocabulary is None:
            raise ValueError("The tokenizer has no vocabulary. Pass it, or load one from a preset.")


def _arguments(settings):
    fields = dataclasses.fields(settings)
    return {field.name: getattr(settings, field.name) for field in fields}


def _check_kind(cls, settings_cls, preset):
    if cls.settings_cls not in (None, settings_cls):
        raise ValueError(
            f"{preset} has a {settings_cls.kind} tokenizer, where {cls.__name__} is a "
            f"{cls.settings_cls.kind} tokenizer. mpnet_tf.models.open_tokenizer opens any."
        )
