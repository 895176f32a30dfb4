"""The step as a TPU would run it, as far as that goes without one: compiled by XLA, all of it.

`TPUStrategy` traces the step once for all replicas, in a replica context whose `merge_call` simply
calls, as that of `OneDeviceStrategy` does; its step may hold no operation of the host and no shape
that is only known when it runs.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.distribute import tpu_strategy

from mpnet_tf.data.batches import training_batches
from mpnet_tf.training.pretraining import build_model, build_trainer
from mpnet_tf.training.pretraining_data import open_data
from mpnet_tf.training.strategies import distribute_batches
from tests.tiny_run import prepare_tiny_shards, tiny_config

STEPS = 3


CONFIG = tiny_config(
    model={"dropout": 0.1, "attention_dropout": 0.1},
    # With so large an epsilon AdamW moves nearly as the gradient is: divided by its own size, the
    # rounding of one that is almost zero would become a step of full length.
    optimizer={"learning_rate": 0.2, "warmup_steps": 0, "epsilon": 1.0},
    training={"batch_size": 8},
    execution={"gradient_accumulation": 2},
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(CONFIG, prepare_tiny_shards(tmp_path_factory.mktemp("tpu")))


def make_trainer(config, data, strategy):
    with strategy.scope():
        model = build_model(config, data.tokenizer.vocabulary_size(), data.objective.names)
        return build_trainer(config, model)


def make_batches(data, share):
    return training_batches(data.rows, data.objective, 5, batch_size=8, share=share)


def train(config, data, strategy, *, jit_compile):
    """Takes steps, each compiled whole or not at all; returns the step and the weights after it."""
    trainer = make_trainer(config, data, strategy)
    batches = iter(distribute_batches(strategy, functools.partial(make_batches, data)))

    @tf.function(jit_compile=jit_compile)
    def step(batch):
        strategy.run(trainer.replica_step, args=(batch,))

    for _ in range(STEPS):
        step(next(batches))
    weights = [weight.numpy() for weight in trainer.pretrainer.trainable_variables]
    assert trainer.batch_number.numpy() == STEPS
    assert trainer.optimizer.iterations.numpy() == STEPS
    return step.get_concrete_function(next(batches)), weights


def graphs(concrete_function):
    """Returns the graph of a function and those of all functions that it calls."""
    definition = concrete_function.graph.as_graph_def()
    return [definition.node, *(function.node_def for function in definition.library.function)]


@pytest.fixture(scope="module")
def compiled(data):
    """The whole step under XLA, in a replica context like a TPU's."""
    return train(CONFIG, data, tf.distribute.OneDeviceStrategy("CPU:0"), jit_compile=True)


@pytest.fixture(scope="module")
def plain(data):
    """The weights after the same steps without a strategy and without XLA."""
    _, weights = train(CONFIG, data, tf.distribute.get_strategy(), jit_compile=False)
    return weights


def test_no_shape_is_unknown(compiled):
    step, _ = compiled
    for tensor in [*step.inputs, *step.outputs]:
        assert tensor.shape.is_fully_defined(), tensor
    for operation in step.graph.get_operations():
        for tensor in operation.outputs:
            assert tensor.shape.is_fully_defined(), tensor


def test_nothing_in_the_step_needs_the_host(compiled):
    step, _ = compiled
    nodes = [node for graph in graphs(step) for node in graph]
    names = {node.op for node in nodes}
    # As a check of the check: the graph holds what the step is made of, in its inner functions too.
    assert {"UnsortedSegmentSum", "ResourceApplyAdam"} <= names
    assert not names & {"PyFunc", "PyFuncStateless", "EagerPyFunc", "Timestamp", "Print", "PrintV2"}
    for node in nodes:
        types = [
            value.type
            for name, value in node.attr.items()
            if value.type and name != "_output_shapes"
        ]
        assert tf.string.as_datatype_enum not in types, node.name


def test_the_compiled_program_has_static_shapes(data):
    """What `experimental.jit_compile` compiles for each replica, as XLA itself prints it."""
    trainer = make_trainer(CONFIG, data, tf.distribute.get_strategy())
    batch = next(iter(make_batches(data, None)))
    gradients = tf.function(
        lambda batch: trainer._gradients(batch, tf.constant([1, 2]), tf.constant(1.0)),
        jit_compile=True,
    )
    program = gradients.experimental_get_compiler_ir(batch)(stage="hlo")
    assert program.startswith("HloModule")
    # XLA writes a dimension of at most 8 as <=8, and an unknown one as ?.
    assert "<=" not in program
    assert "[?" not in program and ",?" not in program
    for host_operation in ("infeed", "outfeed", "send(", "recv(", "PyFunc"):
        assert host_operation not in program


def test_with_and_without_a_merge_it_computes_the_same(data, plain):
    _, weights = train(CONFIG, data, tf.distribute.OneDeviceStrategy("CPU:0"), jit_compile=False)
    for ours, theirs in zip(weights, plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_compiled_as_on_a_tpu_it_computes_the_same(compiled, plain, data):
    _, weights = compiled
    for ours, theirs in zip(weights, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    first = make_trainer(CONFIG, data, tf.distribute.get_strategy()).pretrainer.trainable_variables
    moves = [np.abs(weight - start).max() for weight, start in zip(weights, first, strict=True)]
    assert max(moves) > 1e-2, "the weights have hardly moved"


def test_a_tpu_strategy_merges_as_that_of_one_device_does():
    """It cannot be made without a TPU, but its classes tell."""
    shared = tf.compat.v1.distribute.StrategyExtended
    assert tpu_strategy.TPUExtended._use_merge_call is shared._use_merge_call
    one_device = tf.distribute.OneDeviceStrategy("CPU:0")
    own_context = type(one_device.run(tf.distribute.get_replica_context))
    for context in (tpu_strategy._TPUReplicaContext, own_context):
        assert context._merge_call is tf.distribute.ReplicaContext._merge_call
    assert not supports_no_merge_call(one_device)
    assert supports_no_merge_call(tf.distribute.get_strategy())


def supports_no_merge_call(strategy):
    with strategy.scope():
        return tf.__internal__.distribute.strategy_supports_no_merge_call()
