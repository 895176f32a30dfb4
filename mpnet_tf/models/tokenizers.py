"""Tokenizers by their files and by the body that they serve."""

import dataclasses
import os

from mpnet_tf.models.bert_tokenizer import BertTokenizer
from mpnet_tf.models.bodies import BODIES
from mpnet_tf.models.glm_tokenizer import GLMTokenizer
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer

_OF_BACKBONES = {
    tokenizer_cls.backbone_cls: tokenizer_cls
    for tokenizer_cls in (MPNetTokenizer, BertTokenizer, GLMTokenizer)
}


def open_tokenizer(path, *, lowercase):
    """Opens a vocabulary, or a tokenizer with all its settings.

    Args:
        path: str. A `vocab.txt`, or a directory with a tokenizer: a preset, or one of
            `transformers`.
        lowercase: bool. Whether to lowercase texts; a directory says so itself.

    Returns:
        `TransformerTokenizer`.

    Raises:
        ValueError: if there is no vocabulary, or the directory holds a tokenizer that does what
            this one cannot.
    """
    if os.path.isdir(path):
        return TransformerTokenizer.from_preset(path)
    return TransformerTokenizer(path, lowercase=lowercase)


def tokenizer_of_body(body, settings):
    """Makes a tokenizer of the class by which keras_hub finds it for a body.

    Args:
        body: str. A name in `mpnet_tf.models.BODIES`.
        settings: `TokenizerSettings`, as `TransformerTokenizer.settings` gives them.

    Returns:
        `TransformerTokenizer`, of the body's own class where it has one.
    """
    tokenizer_cls = _OF_BACKBONES.get(BODIES[body], TransformerTokenizer)
    fields = dataclasses.fields(settings)
    return tokenizer_cls(**{field.name: getattr(settings, field.name) for field in fields})
