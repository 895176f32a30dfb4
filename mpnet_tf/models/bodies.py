"""The bodies by name, and what is made of them."""

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_masked_lm import BertMaskedLM
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_masked_lm import MPNetMaskedLM
from mpnet_tf.models.transformer_backbone import check_relative_settings_unused
from mpnet_tf.models.xlnet_style_backbone import XLNetStyleBackbone
from mpnet_tf.models.xlnet_style_masked_lm import XLNetStyleMaskedLM

BODIES = {
    "mpnet": MPNetBackbone,
    "bert": BertBackbone,
    "glm": GLMBackbone,
    "xlnet_style": XLNetStyleBackbone,
}
_MASKED_LMS = {
    masked_lm_cls.backbone_cls: masked_lm_cls
    for masked_lm_cls in (
        MPNetMaskedLM,
        BertMaskedLM,
        GLMMaskedLM,
        XLNetStyleMaskedLM,
        TransformerMaskedLM,
    )
}


def make_backbone(body, vocabulary_size, **settings):
    """Makes a body by name.

    Args:
        body: str. A name in `BODIES`.
        vocabulary_size: int. Token ids.
        **settings: the other arguments of `TransformerBackbone` that are sizes and shares, `dtype`
            and `name`. Those of relative positions must keep their defaults for a body without.

    Returns:
        `TransformerBackbone`.

    Raises:
        ValueError: if there is no such body, or a setting does not fit it.
    """
    check_body(body, **settings)
    return BODIES[body](vocabulary_size, **settings)


def check_body(body, **settings):
    """Checks a body's name and what it has no use for, before anything is made.

    Args:
        body: str. A name in `BODIES`.
        **settings: as `make_backbone` takes them.

    Raises:
        ValueError: if there is no such body, or a setting does not fit it.
    """
    if body not in BODIES:
        raise ValueError(f"`body` must be one of {', '.join(BODIES)}. Received: body={body!r}")
    if not BODIES[body].fixed_choices["relative_positions"]:
        check_relative_settings_unused(f"body {body!r}", settings)


def make_masked_lm(backbone, lm_head=None):
    """Makes the masked language model of a body's own class.

    Args:
        backbone: `TransformerBackbone`.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Returns:
        `TransformerMaskedLM`.
    """
    return _MASKED_LMS[type(backbone)](backbone, lm_head=lm_head)
