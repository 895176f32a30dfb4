"""A tiny GLM model that writes, with random weights, and the vocabulary of its words."""

import functools

import keras
import numpy as np

from mpnet_tf.models import GLMTokenizer
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from tests.models.small_models import randomize, small_backbone

SPECIAL = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("<|startofpiece|>", "<|endofpiece|>", "[gMASK]", "[sMASK]"),
]
START, END = 5, 6
WORDS = [f"w{number}" for number in range(30)] + ["##s"]
VOCABULARY_SIZE = len(SPECIAL) + len(WORDS)
# Rows of the token embedding that no token has.
NUM_FILLERS = 4
LONGEST = 40
TOO_LONG = " ".join(["w1"] * LONGEST)


def tokenizer():
    return GLMTokenizer([*SPECIAL, *WORDS])


@functools.cache
def writing_model():
    """Returns a model that writes greedily, in graph mode; not to be trained or compiled anew."""
    keras.utils.set_random_seed(7)
    backbone = small_backbone(
        "glm",
        vocabulary_size=VOCABULARY_SIZE + NUM_FILLERS,
        max_sequence_length=LONGEST,
        num_layers=2,
    )
    model = GLMCausalLM(backbone, GLMCausalLMPreprocessor(tokenizer()))
    randomize(model)
    # So that some blanks end by themselves, at several lengths.
    embeddings = keras.ops.convert_to_numpy(backbone.token_embedding.embeddings).copy()
    embeddings[END] += 0.4 * keras.ops.convert_to_numpy(backbone.final_norm.beta)
    backbone.token_embedding.embeddings.assign(embeddings)
    model.compile(sampler="greedy", jit_compile=False)
    return model


def is_allowed(stop_token_id=END):
    """Tells the ids that may be generated: text, and the token that ends a span."""
    number = np.arange(VOCABULARY_SIZE + NUM_FILLERS)
    is_text = (number >= len(SPECIAL)) & (number < VOCABULARY_SIZE)
    return is_text | (number == stop_token_id)
