"""Models, tokenizers and heads that users import."""

from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_masked_lm import MPNetMaskedLM
from mpnet_tf.models.mpnet_pretrainer import MPNetPretrainer
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer

__all__ = ["MPNetBackbone", "MPNetMaskedLM", "MPNetPretrainer", "MPNetTokenizer"]
