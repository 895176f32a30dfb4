"""Forward and backward pass of one replica over its rows, in micro-batches."""

import math

import keras
import tensorflow as tf

from mpnet_tf.training.dropout_seeds import derived_seed, layer_seeds
from mpnet_tf.training.prediction_totals import LOSS, NUM_COLUMNS, prediction_totals


class ReplicaGradients:
    """Gradients and totals of a replica's rows: a pure function of weights, rows and seeds.

    It changes no variable, so it compiles with XLA for each replica by itself, also where the
    replicas run under a strategy. The masks of dropout come from the given seed, not from states
    that the layers' generators keep, so nothing random has to be saved in a checkpoint.

    Args:
        model: built `Pretrainer`.
        gradient_accumulation: int. The rows are computed in so many micro-batches, one after the
            other, which divides the memory of the activations by it.
        jit_compile: bool. Whether XLA compiles it.
    """

    def __init__(self, model, *, gradient_accumulation=1, jit_compile=False):
        self._model = model
        self._num_objectives = max(len(model.objective_names), 1)
        self._num_micro_batches = gradient_accumulation
        self._seed_states = [
            variable for variable in model.variables if variable.name == "seed_generator_state"
        ]
        self._compiled = tf.function(self._compute, jit_compile=jit_compile)

    def __call__(self, batch, seed, loss_scale):
        """Computes the gradients of `loss_scale` times the sum of the losses.

        Args:
            batch: `(slots, target_ids, target_weights)` of this replica.
            seed: uint32 tensor `(2,)`. Of this replica in this step.
            loss_scale: float32 scalar tensor.

        Returns:
            A list of float32 tensors, the gradients in the order of the model's
            `trainable_variables`, and the totals as `prediction_totals` returns them.
        """
        return self._compiled(batch, seed, loss_scale)

    def totals(self, batch):
        """Computes the totals of a batch alone, without dropout."""

        def of_rows(rows, number):
            logits = self._model(rows[0], training=False)
            return prediction_totals(rows, logits, self._num_objectives)

        # The last batch of a dataset may be smaller.
        num_micro_batches = math.gcd(self._num_micro_batches, batch[1].shape[0] or 1)
        zeros = tf.zeros((self._num_objectives, NUM_COLUMNS))
        return sum_over_micro_batches(of_rows, batch, num_micro_batches, zeros)

    def _compute(self, batch, seed, loss_scale):
        def of_micro_batch(rows, number):
            return self._of_rows(rows, derived_seed(seed, number), loss_scale)

        variables = self._model.trainable_variables
        zeros = (
            [tf.zeros(variable.shape, tf.float32) for variable in variables],
            tf.zeros((self._num_objectives, NUM_COLUMNS)),
        )
        return sum_over_micro_batches(of_micro_batch, batch, self._num_micro_batches, zeros)

    def _of_rows(self, batch, seed, loss_scale):
        with (
            keras.StatelessScope(state_mapping=layer_seeds(self._seed_states, seed)),
            tf.GradientTape() as tape,
        ):
            logits = self._model(batch[0], training=True)
            totals = prediction_totals(batch, logits, self._num_objectives)
            loss = tf.reduce_sum(totals[:, LOSS]) * loss_scale
        variables = [variable.value for variable in self._model.trainable_variables]
        gradients = tape.gradient(
            loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # An embedding's gradient comes as slices, whose norm is another: rows that occur twice are
        # not added up in it.
        gradients = [tf.cast(tf.convert_to_tensor(gradient), tf.float32) for gradient in gradients]
        return gradients, totals


def sum_over_micro_batches(function, batch, num_micro_batches, zeros):
    """Calls a function on each micro-batch of a batch, one after the other, and adds the results.

    Args:
        function: from a micro-batch and its number to a structure of tensors.
        batch: structure of tensors `(batch_size, ...)`.
        num_micro_batches: int. Divides `batch_size`.
        zeros: structure of tensors like the results.

    Returns:
        A structure like `zeros`.
    """
    if num_micro_batches == 1:
        return function(batch, tf.constant(0))

    def split(rows):
        batch_size, *rest = keras.ops.shape(rows)
        return tf.reshape(rows, (num_micro_batches, batch_size // num_micro_batches, *rest))

    micro_batches = tf.nest.map_structure(split, batch)

    def body(number, sums):
        micro_batch = tf.nest.map_structure(lambda rows: rows[number], micro_batches)
        results = function(micro_batch, number)
        return number + 1, tf.nest.map_structure(tf.add, sums, results)

    _, sums = tf.while_loop(
        lambda number, sums: number < num_micro_batches,
        body,
        (tf.constant(0), zeros),
        # Micro-batches side by side would take the memory that they are to save.
        parallel_iterations=1,
        maximum_iterations=num_micro_batches,
    )
    return sums
