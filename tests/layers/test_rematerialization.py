"""Blocks that compute their activations again: the same numbers, from less memory."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.layers.transformer_block import TransformerBlock

NUM_LAYERS = 2
NUM_KEYS = 5


def make_blocks(rematerialize, **settings):
    """Makes built blocks of fixed weights and seeds, whose dropout takes a good part."""
    keras.utils.set_random_seed(5)
    settings = {"dropout": 0.3, "attention_dropout": 0.3, **settings}
    blocks = [
        TransformerBlock(num_heads=2, hidden_dim=16, intermediate_dim=24, **settings)
        for _ in range(NUM_LAYERS)
    ]
    for block in blocks:
        block.rematerialize = rematerialize
        block.build((2, 7, 16), (2, NUM_KEYS, 16), (2, 1, 7, NUM_KEYS))
    return blocks


def make_inputs(dtype="float32"):
    """Returns seven slots, of which five are keys, in each of two rows; the bias hides some."""
    generator = np.random.default_rng(1)
    hidden = generator.normal(size=(2, 7, 16))
    visible = generator.uniform(size=(2, 1, 7, NUM_KEYS)) < 0.7
    visible[:, :, :, 0] = True
    bias = np.where(visible, 0, -1e9) + generator.normal(size=visible.shape)
    return tf.constant(hidden, dtype), tf.constant(bias, "float32")


def weights_of(blocks):
    return [weight for block in blocks for weight in block.trainable_weights]


def seeds_of(blocks):
    return [
        variable
        for block in blocks
        for variable in block.variables
        if variable.name == "seed_generator_state"
    ]


def loss_and_gradients(layers, hidden, bias, weights):
    """Returns the loss, then the gradients of both inputs and of the weights."""
    with tf.GradientTape() as tape:
        tape.watch([hidden, bias, *weights])
        output = hidden
        for layer in layers:
            output = layer(output, output[:, :NUM_KEYS], bias, training=True)
        loss = tf.reduce_mean(tf.cast(output, "float32") ** 3)
    return [loss, *tape.gradient(loss, [hidden, bias, *weights])]


def two_steps(blocks, inputs, **function_options):
    """Returns the numbers of a second step, whose masks are others than the first's."""

    def step(hidden, bias):
        return loss_and_gradients(
            blocks, hidden, bias, [weight.value for weight in weights_of(blocks)]
        )

    if function_options:
        step = tf.function(step, **function_options)
    first, second = step(*inputs), step(*inputs)
    assert abs(float(first[0]) - float(second[0])) > 1e-3
    return [tf.cast(values, "float32").numpy() for values in second]


def assert_same(found, expected, tolerance):
    """Compares tensors by the largest entry of each."""
    for values, reference in zip(found, expected, strict=True):
        assert np.abs(reference).max() > 1e-6
        np.testing.assert_allclose(
            values, reference, rtol=0, atol=tolerance * np.abs(reference).max()
        )


# Compilers order sums of float32 differently, by some units in the last place.
MODES = {
    "eager": ({}, 1e-6),
    "graph": ({"jit_compile": False}, 1e-5),
    "xla": ({"jit_compile": True}, 1e-5),
}


@pytest.mark.parametrize(
    ("mode", "norm_order"),
    [
        ("eager", "post"),
        ("eager", "pre"),
        ("graph", "pre"),
        pytest.param("xla", "post", marks=pytest.mark.slow),
    ],
)
def test_loss_gradients_and_seeds_are_the_same(mode, norm_order):
    options, tolerance = MODES[mode]
    plain, again = (make_blocks(choice, norm_order=norm_order) for choice in (False, True))
    expected = two_steps(plain, make_inputs(), **options)
    assert_same(two_steps(again, make_inputs(), **options), expected, tolerance)
    for seed, expected_seed in zip(seeds_of(again), seeds_of(plain), strict=True):
        np.testing.assert_array_equal(seed, expected_seed)
        assert np.asarray(seed)[1] == 2


def test_the_comparison_tells_masks_apart():
    """Keras' own rematerialisation draws other masks backward: the loss is right alone."""
    expected = two_steps(make_blocks(False), make_inputs())
    blocks = make_blocks(False)
    layers = [keras.remat(block) for block in blocks]
    weights = [weight.value for weight in weights_of(blocks)]
    for _ in range(2):
        # Both the forward and the backward pass advance the seeds; the first step's are given.
        for seed in seeds_of(blocks):
            seed.assign([seed.numpy()[0], 1])
        found = loss_and_gradients(layers, *make_inputs(), weights)
    assert_same(found[:1], expected[:1], 1e-6)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(found, expected, 0.1)


@pytest.mark.parametrize("norm_order", ["post", "pre"])
def test_keys_that_are_the_queries_stay_so(norm_order):
    hidden, bias = make_inputs()
    hidden = hidden[:, :NUM_KEYS]
    results = []
    for rematerialize in (False, True):
        block = make_blocks(rematerialize, norm_order=norm_order)[0]
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            output = block(hidden, hidden, bias[:, :, :NUM_KEYS], training=True)
            loss = tf.reduce_mean(output**3)
        results.append([loss, tape.gradient(loss, hidden)])
    assert_same(results[1], results[0], 1e-6)


def test_bfloat16_steps_are_the_same():
    expected, found = (
        two_steps(make_blocks(choice, dtype="mixed_bfloat16"), make_inputs("bfloat16"))
        for choice in (False, True)
    )
    assert_same(found, expected, 1e-6)


@pytest.mark.parametrize("mapped", ["seeds", "all variables"])
def test_values_come_from_a_scope_around(mapped):
    """As in a train step without side effects: tensors stand in for the blocks' variables."""

    def step(blocks):
        variables, seeds = weights_of(blocks), seeds_of(blocks)
        values = [variable.value for variable in variables]
        mapping = [(seed, seed.value + [0, 40]) for seed in seeds]
        if mapped == "all variables":
            values = [value * 1.5 for value in values]
            mapping += list(zip(variables, values, strict=True))
        with keras.StatelessScope(mapping) as scope:
            results = loss_and_gradients(blocks, *make_inputs(), values)
        return results, [scope.get_current_value(seed) for seed in seeds]

    plain, again = make_blocks(False), make_blocks(True)
    # The one is what a train step may do, the other is simply quick.
    run = tf.function if mapped == "all variables" else lambda function: function
    expected, _ = run(lambda: step(plain))()
    found, next_seeds = run(lambda: step(again))()
    assert_same(found, expected, 1e-5)
    assert [int(seed[1]) for seed in next_seeds] == [41] * len(next_seeds)
    assert [int(seed.numpy()[1]) for seed in seeds_of(again)] == [0] * len(next_seeds)


def xla_program(blocks):
    """Returns the text of what XLA makes of a step."""

    @tf.function(jit_compile=True)
    def step(hidden, bias):
        weights = [weight.value for weight in weights_of(blocks)]
        return loss_and_gradients(blocks, hidden, bias, weights)

    return step.experimental_get_compiler_ir(*make_inputs())(stage="optimized_hlo")


@pytest.mark.slow
def test_xla_does_compute_again():
    """Were both computations merged into one, nothing would be saved."""
    programs = [xla_program(make_blocks(choice)) for choice in (False, True)]
    # The softmax's exponentials, and the exclusive-ors that masks are drawn with.
    for operation in ("exponential", "xor"):
        plain, again = (program.count(f" {operation}(") for program in programs)
        assert plain >= NUM_LAYERS
        assert again == 2 * plain


def test_inference_keeps_to_the_plain_way():
    hidden, bias = make_inputs()
    plain, again = make_blocks(False)[0], make_blocks(True)[0]
    arguments = (hidden, hidden[:, :NUM_KEYS], bias)
    np.testing.assert_array_equal(again(*arguments), plain(*arguments))
    assert all(seed.numpy()[1] == 0 for seed in seeds_of([again]))


def test_it_is_off_until_set_and_no_part_of_the_config():
    block = TransformerBlock(num_heads=2, hidden_dim=16, intermediate_dim=24)
    assert block.rematerialize is False
    config = block.get_config()
    block.rematerialize = True
    assert block.get_config() == config
    assert TransformerBlock.from_config(config).rematerialize is False


JAX_STEPS = """
import json
import jax, keras, numpy as np
from mpnet_tf.layers.transformer_block import TransformerBlock

results = []
for rematerialize in (False, True):
    keras.utils.set_random_seed(5)
    block = TransformerBlock(2, 16, 24, dropout=0.3, attention_dropout=0.3)
    block.rematerialize = rematerialize
    block.build((2, 7, 16), (2, 5, 16), (2, 1, 7, 5))
    hidden = np.random.default_rng(1).normal(size=(2, 7, 16)).astype("float32")
    bias = np.zeros((2, 1, 7, 5), "float32")

    def loss(weights, hidden, state):
        output, state = block.stateless_call(
            weights, state, hidden, hidden[:, :5], bias, training=True
        )
        return (output**3).mean(), state

    step = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    arguments = (
        [variable.value for variable in block.trainable_variables],
        hidden,
        [variable.value for variable in block.non_trainable_variables],
    )
    assert ("remat" in str(jax.make_jaxpr(step)(*arguments))) == rematerialize
    (value, state), gradients = jax.jit(step)(*arguments)
    results.append([np.asarray(x).tolist() for x in jax.tree.leaves((value, state, gradients))])
print(json.dumps(results))
"""


def run_python(program, *arguments, **environment):
    """Runs a program in a process of its own, and returns its last line of output as JSON."""
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_jax_steps_are_the_same():
    pytest.importorskip("jax")
    expected, found = run_python(JAX_STEPS, KERAS_BACKEND="jax")
    for values, reference in zip(found, expected, strict=True):
        reference = np.asarray(reference)
        np.testing.assert_allclose(values, reference, atol=1e-5 * np.abs(reference).max())


PEAK_MEMORY = """
import json, resource, sys
import tensorflow as tf
from mpnet_tf.layers.transformer_block import TransformerBlock

mode, rematerialize = json.loads(sys.argv[1])
blocks = [TransformerBlock(4, 256, 1024, dropout=0.1, attention_dropout=0.1) for _ in range(12)]
hidden, bias = tf.random.normal((16, 256, 256)), tf.zeros((16, 1, 256, 256))
for block in blocks:
    block.rematerialize = rematerialize
    block.build(hidden.shape, hidden.shape, bias.shape)
weights = [weight.value for block in blocks for weight in block.trainable_weights]

@tf.function(jit_compile=mode == "xla")
def step(hidden):
    with tf.GradientTape() as tape:
        for block in blocks:
            hidden = block(hidden, hidden, bias, training=True)
        loss = tf.reduce_mean(hidden**3)
    return tape.gradient(loss, weights)

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
step(hidden)[0].numpy()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["graph", "xla"])
def test_peak_memory_is_less_than_half(mode):
    plain, again = (run_python(PEAK_MEMORY, json.dumps([mode, choice])) for choice in (False, True))
    assert again < 0.5 * plain
