"""A tiny GLM classifier that fills blanks, with the weights of `writing_model`."""

from mpnet_tf.models.cloze_pattern import ClozePattern
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from mpnet_tf.models.glm_cloze_preprocessor import GLMClozePreprocessor
from tests.models.writing_model import tokenizer, writing_model

# Not in the order of the alphabet; beginning alike, one within another, and of several lengths.
PATTERN = ClozePattern(
    "w1 {text} w2 [MASK] w3", {"d": "w4 w5s", "a": "w4 w6", "c": "w7", "b": "w4"}
)
SINGLE = ClozePattern("w1 {text} w2 [MASK]", {"no": "w4", "yes": "w5"})
OF_PAIRS = ClozePattern("{pair} w1 [MASK] w2 {text}", {"no": "w4 w6", "yes": "w5"})
TEXTS = ["w8 w9", "", "w10s w11 w12 w13", "w14 " * 12]
SECONDS = ["w20", "w21 w22 w23", "", "w24 w25s"]


def preprocessor_of(pattern=PATTERN, **settings):
    return GLMClozePreprocessor(tokenizer(), pattern, **{"sequence_length": 40, **settings})


def classifier(pattern=PATTERN, **settings):
    """Returns a classifier; not to be trained, since it shares its weights."""
    model = writing_model()
    return GLMClozeClassifier(
        model.backbone, preprocessor_of(pattern, **settings), lm_head=model.lm_head
    )


def filled(pattern, text, pair=""):
    """Returns the pattern with texts in it."""
    return pattern.pattern.replace("{text}", text).replace("{pair}", pair)
