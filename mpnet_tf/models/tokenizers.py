"""Tokenizers by their files and by the body that they serve."""

import os

from mpnet_tf.conversion.sentencepiece_files import find_model, read_sentencepiece
from mpnet_tf.conversion.tokenizer_files import read_tokenizer_files
from mpnet_tf.conversion.wordpiece_settings import TokenizerSettings
from mpnet_tf.models.bert_tokenizer import BertTokenizer
from mpnet_tf.models.bodies import BODIES
from mpnet_tf.models.byte_pair_tokenizer import BytePairTokenizer
from mpnet_tf.models.glm_tokenizer import GLMTokenizer
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from mpnet_tf.models.sentencepiece_tokenizer import SentencePieceTokenizer
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer

_OF_BACKBONES = {
    tokenizer_cls.backbone_cls: tokenizer_cls
    for tokenizer_cls in (MPNetTokenizer, BertTokenizer, GLMTokenizer)
}
_OF_SETTINGS = {
    tokenizer_cls.settings_cls: tokenizer_cls
    for tokenizer_cls in (TransformerTokenizer, SentencePieceTokenizer, BytePairTokenizer)
}


def open_tokenizer(path, *, lowercase=True):
    """Opens a vocabulary, or a tokenizer with all its settings.

    Args:
        path: str. A `vocab.txt`; a SentencePiece model; or a directory with a tokenizer: a preset,
            one of `transformers`, or one of GLM's authors.
        lowercase: bool. Whether to lowercase texts before WordPiece; a directory says so itself.
            Default True.

    Returns:
        `TransformerTokenizer`, `SentencePieceTokenizer` or `BytePairTokenizer`.

    Raises:
        ValueError: if there is no vocabulary, or the directory holds a tokenizer that does what
            none of these can.
    """
    if os.path.isdir(path):
        settings = read_tokenizer_files(path)
        if settings is not None:
            return _OF_SETTINGS[type(settings)].from_settings(settings)
        return VocabularyTokenizer.from_preset(path)
    if find_model(path) is not None:
        return SentencePieceTokenizer.from_settings(read_sentencepiece(path))
    return TransformerTokenizer(path, lowercase=lowercase)


def tokenizer_of_body(body, settings):
    """Makes a tokenizer of the class by which keras_hub finds it for a body.

    Args:
        body: str. A name in `mpnet_tf.models.BODIES`.
        settings: what the `settings` method of a tokenizer gives.

    Returns:
        A tokenizer; with WordPiece of the body's own class where it has one.
    """
    tokenizer_cls = _OF_SETTINGS[type(settings)]
    if isinstance(settings, TokenizerSettings):
        tokenizer_cls = _OF_BACKBONES.get(BODIES[body], tokenizer_cls)
    return tokenizer_cls.from_settings(settings)
