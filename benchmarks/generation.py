"""Time of writing text with a GLM body: with its cache, without, and beside a peer.

Prints a JSON line a batch size: seconds for the new tokens with keys and values kept
(`seconds_cached`), with everything computed anew for each token (`seconds_recomputed`), by
`transformers`' GPT2LMHeadModel of the same size in PyTorch, whose cache is its default
(`seconds_transformers`), and the ratios of the latter two to the first. All choose greedily and
write as many tokens; the three take turns, so that a machine that slows down slows all, and each
number is the median. What compiles is called once before. With and without the cache the tokens
must be the same.

    python benchmarks/generation.py --batch_sizes=1,8
    python benchmarks/generation.py --batch_sizes=1 --num_layers=12 --width=768
"""

import json
import os
import time

from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras
    import keras_hub
    import tensorflow as tf
    import torch
    import transformers

import numpy as np
from keras import ops

from mpnet_tf.models import GLMBackbone
from mpnet_tf.models.blank_filling import NOT_YET, BlankedText, blank_slots
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.objectives.visibility import END_OF_STEPS

_BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["1", "8"], "Texts that are continued at once.")
_PROMPT_LENGTH = flags.DEFINE_integer("prompt_length", 64, "Tokens of each text.", lower_bound=2)
_NEW_TOKENS = flags.DEFINE_integer("new_tokens", 128, "Tokens to write.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 3, "Times that each is measured.", lower_bound=1)
_JIT_COMPILE = flags.DEFINE_bool("jit_compile", False, "Whether XLA compiles the GLM body.")

_NUM_LAYERS = flags.DEFINE_integer("num_layers", 4, "Layers of the models.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 256, "Width of the models, 64 a head.", lower_bound=64)

_VOCABULARY_SIZE, _HEAD_WIDTH = 30_000, 64
_PAD, _MASK, _SPAN_START = 0, 1, 2


def main(argv):
    """Measures and prints."""
    del argv
    for batch_size in map(int, _BATCH_SIZES.value):
        print(json.dumps(_measure(batch_size)), flush=True)


def _measure(batch_size):
    generator = np.random.default_rng(0)
    prompts = generator.integers(3, _VOCABULARY_SIZE, (batch_size, _PROMPT_LENGTH.value))
    cases = {
        "cached": _cached(prompts),
        "recomputed": _recomputed(prompts),
        "transformers": _transformers(prompts),
    }
    seconds, written = {name: [] for name in cases}, {}
    for generate in cases.values():
        generate()
    for _ in range(_TURNS.value):
        for name, generate in cases.items():
            begin = time.perf_counter()
            written[name] = generate()
            seconds[name].append(time.perf_counter() - begin)
            assert written[name].shape == (batch_size, _NEW_TOKENS.value)
    np.testing.assert_array_equal(written["cached"], written["recomputed"])
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    return {
        "num_layers": _NUM_LAYERS.value,
        "width": _WIDTH.value,
        "batch_size": batch_size,
        "prompt_length": _PROMPT_LENGTH.value,
        "new_tokens": _NEW_TOKENS.value,
        "jit_compile": _JIT_COMPILE.value,
        **{f"seconds_{name}": round(value, 3) for name, value in medians.items()},
        "recomputed_to_cached": round(medians["recomputed"] / medians["cached"], 2),
        "transformers_to_cached": round(medians["transformers"] / medians["cached"], 2),
        "cached_tokens_per_second": round(batch_size * _NEW_TOKENS.value / medians["cached"], 1),
    }


def _model():
    keras.utils.set_random_seed(0)
    backbone = GLMBackbone(
        vocabulary_size=_VOCABULARY_SIZE,
        num_layers=_NUM_LAYERS.value,
        num_heads=_WIDTH.value // _HEAD_WIDTH,
        hidden_dim=_WIDTH.value,
        intermediate_dim=4 * _WIDTH.value,
    )
    model = GLMCausalLM(backbone)
    model.compile(sampler="greedy", jit_compile=_JIT_COMPILE.value)
    return model


def _inputs(prompts):
    """Returns what `GLMCausalLM.generate_step` takes to continue each prompt."""
    batch_size, prompt_length = prompts.shape
    texts = [BlankedText([*row[:-1], _MASK], [prompt_length - 1], ["", ""]) for row in prompts]
    new_token_ids = np.full((batch_size, 1 + _NEW_TOKENS.value), NOT_YET, np.int32)
    new_token_ids[:, 0] = _SPAN_START
    return {
        **blank_slots(texts, [[] for _ in texts], pad_token_id=_PAD),
        "blank_positions": np.full(batch_size, prompt_length - 1, np.int32),
        "num_new_tokens": np.full(batch_size, _NEW_TOKENS.value, np.int32),
        "new_token_ids": new_token_ids,
        "logit_bias": np.zeros(_VOCABULARY_SIZE, np.float32),
    }


def _cached(prompts):
    generate, inputs = _model().make_generate_function(), _inputs(prompts)
    return lambda: np.asarray(generate(inputs)["token_ids"])


def _recomputed(prompts):
    """The same sampler and weights, each step over all slots; only the last one's logits."""
    model, inputs = _model(), _inputs(prompts)
    context = {name: tf.constant(inputs[name]) for name in inputs if name != "new_token_ids"}
    context_length = context["token_ids"].shape[1]
    number = np.arange(_NEW_TOKENS.value, dtype=np.int32)

    def next(prompt, cache, index):
        blank = {
            "token_ids": ops.maximum(prompt[:, :-1], 0),
            "position_ids": context["blank_positions"][:, None] + 0 * number,
            "block_position_ids": 1 + number,
            "segment_ids": ops.ones_like(number),
            "query_step": 1 + number,
        }
        slots = {
            name: ops.concatenate(
                [context[name], ops.broadcast_to(values, (len(prompts), len(number)))], axis=1
            )
            for name, values in blank.items()
        }
        slots["key_start"] = slots["query_step"]
        slots["key_end"] = ops.where(slots["segment_ids"] > 0, END_OF_STEPS, 0)
        slots["prediction_slots"] = ops.broadcast_to(context_length + index - 1, (len(prompts), 1))
        slots["objective_ids"] = ops.zeros_like(slots["prediction_slots"])
        logits = model(slots, training=False)[:, 0]
        return logits, None, cache

    @tf.function(jit_compile=_JIT_COMPILE.value)
    def generate(prompt):
        sampler = keras_hub.samplers.GreedySampler()
        return sampler(next, prompt, index=1, mask=ops.not_equal(prompt, NOT_YET))[:, 1:]

    return lambda: np.asarray(generate(inputs["new_token_ids"]))


def _transformers(prompts):
    config = transformers.GPT2Config(
        vocab_size=_VOCABULARY_SIZE,
        n_positions=512,
        n_embd=_WIDTH.value,
        n_layer=_NUM_LAYERS.value,
        n_head=_WIDTH.value // _HEAD_WIDTH,
        bos_token_id=_PAD,
        eos_token_id=_PAD,
        pad_token_id=_PAD,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    input_ids = torch.tensor(prompts)
    settings = {
        "attention_mask": torch.ones_like(input_ids),
        "do_sample": False,
        "min_new_tokens": _NEW_TOKENS.value,
        "max_new_tokens": _NEW_TOKENS.value,
    }

    def generate():
        with torch.inference_mode():
            return model.generate(input_ids, **settings)[:, prompts.shape[1] :].numpy()

    return generate


if __name__ == "__main__":
    app.run(main)
