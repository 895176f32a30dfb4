"""SentencePiece tokenizer, computed in the TensorFlow graph."""

import hashlib
import os
import unicodedata

import keras
import tensorflow as tf

from mpnet_tf.conversion.sentencepiece_files import SentencePieceSettings
from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.sentencepiece import WORD_START, SentencePiece
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer

MODEL_FILE = "vocabulary.spm"

# The pieces that stand for no text, and what SentencePiece makes of them in a text.
_CONTROL_PIECES = {"<unk>": " \u2047 ", "<s>": "", "</s>": "", "<pad>": ""}


@keras.saving.register_keras_serializable(package="mpnet_tf")
class SentencePieceTokenizer(VocabularyTokenizer):
    """Turns text into SentencePiece token ids, and ids into text.

    This is the tokenizer of GLM's Chinese models. The ids are those of `sentencepiece`; the tokens
    that GLM adds follow the model's pieces, and where one is written in the text it becomes its id,
    and the text on either side is cut as if it stood alone.

    All work is done by TensorFlow ops, in eager calls, in `tf.data` and in a SavedModel alike, by
    ops that stock TensorFlow Serving has linked.

    Args:
        model: bytes, or path of a SentencePiece model, or None to load it later by `load_assets`.
        further_tokens: sequence of str. The tokens after the model's pieces, in the order of ids.
            None means what GLM's program puts there. Default None.
        special_tokens: dict with a token for each of `start_token`, `pad_token`, `end_token`,
            `mask_token` and `unk_token`. None means GLM's. Default None.

    Call arguments:
        inputs: str, list of str, or string tensor of rank 0 or 1.

    Returns:
        For rank 1 an int32 `tf.RaggedTensor` of shape `(batch_size, None)`; for one string an int32
        tensor of shape `(num_tokens,)`.

    Raises:
        ValueError: if `model` is no SentencePiece model, a token is there twice, or a special token
            is missing.

    Example:

    ```python
    tokenizer = SentencePieceTokenizer("cog-pretrain.model")
    tokenizer(["\u4eca\u5929\u5929\u6c14\u5f88\u597d", "[CLS] [MASK]"])
    ```

    References:
        - [Kudo and Richardson, 2018](https://arxiv.org/abs/1808.06226).
        - [Du et al., 2022](https://arxiv.org/abs/2103.10360).
    """

    settings_cls = SentencePieceSettings

    def __init__(
        self, model=None, further_tokens=None, special_tokens=None, dtype="int32", **kwargs
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.file_assets = [MODEL_FILE]
        default = SentencePieceSettings(b"")
        self.further_tokens = tuple(
            default.further_tokens if further_tokens is None else further_tokens
        )
        self._given_roles = dict(special_tokens or default.special_tokens)
        self.model = None
        if model is not None:
            self.set_model(model)

    def set_model(self, model):
        """Sets the SentencePiece model.

        Args:
            model: bytes, or path of a file.
        """
        source = "model"
        if not isinstance(model, bytes):
            source = str(model)
            with open(model, "rb") as file:
                model = file.read()
        num_pieces = len(SentencePiece(model, found_tokens={}).pieces)
        found = {
            token: num_pieces + index
            for index, token in enumerate(self.further_tokens)
            if not vocabulary_lib.is_filler(token)
        }
        self._sentencepiece = SentencePiece(model, found_tokens=found)
        tokens = [*self._sentencepiece.pieces, *self.further_tokens]
        vocabulary_lib.check_vocabulary(tokens, source=source, roles=self._given_roles)
        self.model = model
        self._set_tokens(
            tokens,
            roles=self._given_roles,
            special_tokens=[
                *found,
                *self._given_roles.values(),
                *(piece for piece in _CONTROL_PIECES if piece in tokens),
            ],
        )

    def _ids_of(self, texts):
        return self._sentencepiece(texts)

    @property
    def graph_resources(self):
        """list. The SentencePiece model."""
        return [self._sentencepiece]

    def detokenize(self, inputs):
        """Turns token ids into text.

        Args:
            inputs: int tensor or ragged tensor of rank 1 or 2.

        Returns:
            String tensor of rank 0 or 1.
        """
        self._check_vocabulary()
        with tf.device("cpu"):
            # What follows a token of GLM's is cut as a text of its own, with a space before it.
            num_pieces = len(self._sentencepiece.pieces)
            parts = [_CONTROL_PIECES.get(piece, piece) for piece in self.vocabulary[:num_pieces]]
            parts += [f"{token}\0" for token in self.further_tokens]
            texts = tf.strings.reduce_join(tf.gather(tf.constant(parts), inputs), axis=-1)
            texts = tf.strings.regex_replace(texts, f"(^|\\x00){WORD_START}|\\x00", "")
            return tf.strings.regex_replace(texts, WORD_START, " ")

    def settings(self):
        """Returns all of this as `SentencePieceSettings`."""
        self._check_vocabulary()
        return self.settings_cls(self.model, self.further_tokens, self.roles)

    def _continues(self, token):
        """Whether a piece goes on with a word of a script that sets words apart by spaces."""
        if token.startswith(WORD_START) or token in self._special_tokens:
            return False
        # L, M and N are letters, marks and numbers; Lo are letters without case, as in Chinese.
        category = unicodedata.category(token[0])
        return category[0] in "LMN" and category != "Lo"

    def _decisive_settings(self):
        self._check_vocabulary()
        return {
            "sentencepiece": hashlib.sha256(self.model).hexdigest(),
            "further_tokens": self.further_tokens,
            "special_tokens": self.roles,
        }

    def save_assets(self, dir_path):
        """Writes the model into a folder."""
        self._check_vocabulary()
        with open(os.path.join(dir_path, MODEL_FILE), "wb") as file:
            file.write(self.model)

    def load_assets(self, dir_path):
        """Reads the model from a folder that `save_assets` wrote to."""
        self.set_model(os.path.join(dir_path, MODEL_FILE))

    def get_config(self):
        """Returns the configuration, without the model: it is saved as an asset."""
        config = super().get_config()
        config.update(
            {
                "model": None,
                "further_tokens": list(self.further_tokens),
                "special_tokens": dict(self._given_roles),
            }
        )
        return config
