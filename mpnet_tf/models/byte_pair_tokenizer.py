"""Byte-level BPE tokenizer, computed by `tokenizers`."""

import json
import os

import keras
import numpy as np
import tensorflow as tf
import tokenizers

from mpnet_tf.conversion.byte_pair_files import BytePairSettings
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer

DEFINITION_FILE = "byte_pairs.json"

# How byte-level BPE writes the space that begins a word.
_SPACE = "\u0120"


@keras.saving.register_keras_serializable(package="mpnet_tf")
class BytePairTokenizer(VocabularyTokenizer):
    """Turns text into byte-level BPE token ids, and ids into text, outside of any graph.

    This is the tokenizer of GLM-RoBERTa and of GLM's models of 2 and 10 billion parameters. No op
    of TensorFlow cuts text so: the ids are made by `tokenizers`, in eager calls alone. Shards can
    be made with it; a SavedModel of such a model takes token ids.

    Args:
        definition: str, what `tokenizers` writes into a `tokenizer.json`, or None to load it later
            by `load_assets`. Default None.
        further_tokens: sequence of str. The tokens after those of the definition, in the order of
            ids, which are found whole in the text. Default none.
        special_tokens: dict with a token for each of `start_token`, `pad_token`, `end_token`,
            `mask_token` and `unk_token`.

    Call arguments:
        inputs: str, list of str, or string tensor of rank 0 or 1 that has a value.

    Returns:
        For rank 1 an int32 `tf.RaggedTensor` of shape `(batch_size, None)`; for one string an int32
        tensor of shape `(num_tokens,)`.

    Raises:
        ValueError: in a graph, such as that of `tf.data` and of a SavedModel; if a token is there
            twice, or a special token is missing.

    References:
        - [Radford et al., 2019](https://github.com/openai/gpt-2), section 2.2.
        - [Du et al., 2022](https://arxiv.org/abs/2103.10360).
    """

    settings_cls = BytePairSettings

    def __init__(
        self, definition=None, further_tokens=(), special_tokens=None, dtype="int32", **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.file_assets = [DEFINITION_FILE]
        self.further_tokens = tuple(further_tokens)
        self._given_roles = dict(special_tokens or {})
        self.definition = None
        if definition is not None:
            self.set_definition(definition)

    def set_definition(self, definition):
        """Sets the definition, a str as the constructor takes it."""
        settings = BytePairSettings(definition, self.further_tokens, self._given_roles)
        tokens, roles = list(settings.tokens), self._given_roles
        vocabulary_lib.check_vocabulary(tokens, source="definition", roles=roles)
        found = [token for token in self.further_tokens if not vocabulary_lib.is_filler(token)]
        own = [token["content"] for token in json.loads(definition)["added_tokens"]]
        self._tokenizer = _prepared(definition, self.further_tokens, roles)
        self.definition = definition
        special = {*found, *own, *roles.values()}
        self._set_tokens(tokens, roles=roles, special_tokens=special)

    def _ids_of(self, texts):
        if not hasattr(texts, "numpy"):
            raise ValueError(
                "Byte-level BPE has no TensorFlow op, so a BytePairTokenizer works in eager calls "
                "alone. Make token ids beforehand, and give the graph these."
            )
        texts = [text.decode("utf-8", errors="replace") for text in texts.numpy()]
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        lengths = [len(encoding) for encoding in encodings]
        ids = [np.asarray(encoding.ids, np.int32) for encoding in encodings]
        values = np.concatenate([np.zeros(0, np.int32), *ids])
        return tf.RaggedTensor.from_row_lengths(values, np.array(lengths, np.int64))

    def detokenize(self, inputs):
        """Turns token ids into text, in eager calls alone.

        Args:
            inputs: int tensor or ragged tensor of rank 1 or 2.

        Returns:
            String tensor of rank 0 or 1.
        """
        self._check_vocabulary()
        ids = tf.ragged.constant(inputs) if isinstance(inputs, list) else inputs
        is_batch = ids.shape.rank == 2
        rows = ids.to_list() if isinstance(ids, tf.RaggedTensor) else np.asarray(ids).tolist()
        texts = self._tokenizer.decode_batch(
            rows if is_batch else [rows], skip_special_tokens=False
        )
        return tf.constant(texts if is_batch else texts[0])

    def settings(self):
        """Returns all of this as `BytePairSettings`."""
        self._check_vocabulary()
        return self.settings_cls(self.definition, self.further_tokens, self.roles)

    def _continues(self, token):
        return token[0] != _SPACE and token[0].isalnum() and token not in self._special_tokens

    def _decisive_settings(self):
        self._check_vocabulary()
        return {
            "byte_pairs": json.loads(self.definition),
            "further_tokens": self.further_tokens,
            "special_tokens": self.roles,
        }

    def save_assets(self, dir_path):
        """Writes the definition into a folder."""
        self._check_vocabulary()
        with open(os.path.join(dir_path, DEFINITION_FILE), "w", encoding="utf-8") as file:
            file.write(self.definition)

    def load_assets(self, dir_path):
        """Reads the definition from a folder that `save_assets` wrote to."""
        with open(os.path.join(dir_path, DEFINITION_FILE), encoding="utf-8") as file:
            self.set_definition(file.read())

    def get_config(self):
        """Returns the configuration, without the definition: it is saved as an asset."""
        config = super().get_config()
        config.update(
            {
                "definition": None,
                "further_tokens": list(self.further_tokens),
                "special_tokens": dict(self._given_roles),
            }
        )
        return config


def _prepared(definition, further_tokens, roles):
    """Returns the tokenizer of `tokenizers` that finds all tokens with their ids."""
    tokenizer = tokenizers.Tokenizer.from_str(definition)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # GLM takes the space before a blank along.
    blanks = {
        roles["mask_token"],
        vocabulary_lib.DOCUMENT_MASK_TOKEN,
        vocabulary_lib.SENTENCE_MASK_TOKEN,
    }
    own = [token for token in dict.fromkeys(roles.values()) if token not in further_tokens]
    # Added one after the other, tokens get the ids after the last.
    for token in [*own, *further_tokens]:
        added = tokenizers.AddedToken(token, lstrip=token in blanks, normalized=False)
        tokenizer.add_special_tokens([added])
    return tokenizer
