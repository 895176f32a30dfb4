"""Models, tokenizers and heads that users import."""

from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_masked_lm import BertMaskedLM
from mpnet_tf.models.bodies import BODIES, make_backbone, make_masked_lm
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_masked_lm import MPNetMaskedLM
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from mpnet_tf.models.pretrainer import Pretrainer
from mpnet_tf.models.transformer_backbone import TransformerBackbone
from mpnet_tf.models.xlnet_style_backbone import XLNetStyleBackbone
from mpnet_tf.models.xlnet_style_masked_lm import XLNetStyleMaskedLM

__all__ = [
    "BODIES",
    "BertBackbone",
    "BertMaskedLM",
    "GLMBackbone",
    "GLMMaskedLM",
    "MPNetBackbone",
    "MPNetMaskedLM",
    "MPNetTokenizer",
    "Pretrainer",
    "TransformerBackbone",
    "TransformerMaskedLM",
    "XLNetStyleBackbone",
    "XLNetStyleMaskedLM",
    "make_backbone",
    "make_masked_lm",
]
