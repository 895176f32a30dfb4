"""The training engine: `fit` with the same losses on one device, many, or many hosts."""

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.training.distributed_fit import DistributedFit, gradients_summed_already
from mpnet_tf.training.dropout_seeds import dropout_seed
from mpnet_tf.training.interval_figures import IntervalFigures
from mpnet_tf.training.prediction_totals import LOSS
from mpnet_tf.training.replica_gradients import ReplicaGradients

# As `keras.optimizers.LossScaleOptimizer` begins and doubles.
_FIRST_LOSS_SCALE = 2.0**15
_STEPS_BEFORE_LARGER_SCALE = 2000


class Trainer(DistributedFit):
    """Trains and evaluates a pretraining model; its `fit` runs under every strategy.

    Make it, the model and the optimizer within the strategy's scope; feed it by
    `mpnet_tf.training.strategies.distribute_batches`, or any dataset that the strategy distributes.
    It is no model to keep: save the pretrainer or its parts. A step computes the gradient
    of the mean loss over all predicted tokens of the global batch: each replica goes through its
    rows in micro-batches, the sums cross the network once, and the norm that is clipped is that of
    the whole gradient. A step whose loss or gradient is no finite number changes no weight and is
    counted.

    Args:
        pretrainer: built `Pretrainer`.
        seed: int from 0. Dropout of batch k follows from it and k alone.
        gradient_accumulation: int. Micro-batches in which a replica computes its rows, which have
            to divide by it.
        global_clipnorm: float. Bound on the norm of all gradients together; 0 for none.

    `compile` takes a Keras optimizer, `jit_compile` (whether XLA compiles what a replica computes)
    and `steps_per_execution`, which has to divide the steps of an epoch and of an evaluation.

    Attributes:
        batch_number: int64 variable. Number of the batch that is trained on next.
        bad_steps_in_a_row: int64 variable. Steps skipped since the last good one.
        last_bad_batch: int64 variable. Number of the last batch skipped, or -1.
        best_heldout_loss: float64 variable. Lowest so far, of the callback `EarlyStopping`.
        evaluations_since_best: int64 variable. Evaluations that were no better.
        continues_epoch: bool. Set to True for the first epoch of `fit` to go on with the sums that
            a checkpoint held.
        stop_requested: float32 variable. Of this worker alone: set to 1 to have `stop` in the logs
            of all workers after the same step.
        input_wait_seconds: float64 variable. Time that steps waited for their batch, in all.

    Raises:
        RuntimeError: on another Keras backend than TensorFlow.

    Example:

    ```python
    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        trainer = Trainer(Pretrainer(MPNetBackbone(30527)), gradient_accumulation=4)
        trainer.compile(keras.optimizers.AdamW(1e-4), jit_compile=True)
    trainer.fit(batches, steps_per_epoch=1000, validation_data=heldout)
    ```
    """

    def __init__(
        self, pretrainer, *, seed=0, gradient_accumulation=1, global_clipnorm=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                "`Trainer` needs Keras' TensorFlow backend (KERAS_BACKEND=tensorflow). On others, "
                "compile the `Pretrainer` itself and call its `fit`. "
                f"Received: backend={keras.backend.backend()!r}"
            )
        self.pretrainer = pretrainer
        self.built = True
        self._seed = seed
        self._gradient_accumulation = gradient_accumulation
        self._global_clipnorm = global_clipnorm
        self._scales_loss = pretrainer.backbone.compute_dtype == "float16"
        self._gradients = None
        self.continues_epoch = False

        def variable(name, dtype, shape=(), *, value=0):
            return self.add_weight(
                shape=shape,
                initializer=keras.initializers.Constant(value),
                dtype=dtype,
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
                name=name,
            )

        self.batch_number = variable("batch_number", "int64")
        self.bad_steps_in_a_row = variable("bad_steps_in_a_row", "int64")
        self.last_bad_batch = variable("last_bad_batch", "int64", value=-1)
        self.loss_scale = variable(
            "loss_scale", "float32", value=_FIRST_LOSS_SCALE if self._scales_loss else 1.0
        )
        self.steps_at_loss_scale = variable("steps_at_loss_scale", "int64")
        self._figures = IntervalFigures(variable, pretrainer.objective_names)
        # How many workers asked to stop, as all of them hear.
        self.stop_heard = variable("stop_heard", "float32")
        # Of the callback `EarlyStopping`.
        self.best_heldout_loss = variable("best_heldout_loss", "float64", value=np.inf)
        self.evaluations_since_best = variable("evaluations_since_best", "int64")

    def compile(self, optimizer, *, jit_compile=False, steps_per_execution=1):
        """Sets the optimizer, built or not, and how steps are run."""
        super().compile(
            optimizer=optimizer,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
            auto_scale_loss=False,
        )
        if not optimizer.built:
            optimizer.build(self.pretrainer.trainable_variables)
        self._gradients = ReplicaGradients(
            self.pretrainer,
            gradient_accumulation=self._gradient_accumulation,
            jit_compile=jit_compile,
        )

    def call(self, slots, training=None):
        return self.pretrainer(slots, training=training)

    @property
    def metrics(self):
        """Empty: all figures come from sums over the global batch."""
        return []

    def reset_metrics(self):
        """Begins the sums of an epoch anew, but for one that goes on from a checkpoint."""
        if self.continues_epoch:
            self.continues_epoch = False
            return
        self._figures.reset()

    def checkpoint_variables(self):
        """Returns all that a run's next steps depend on: a dict from names to `tf.Variable`."""
        # The states of dropout's generators are left out: their values come from the batch number.
        groups = {
            "model": [
                variable
                for variable in self.pretrainer.variables
                if variable.name != "seed_generator_state"
            ],
            "optimizer": self.optimizer.variables,
            "trainer": [
                self.batch_number,
                self.bad_steps_in_a_row,
                self.last_bad_batch,
                self.loss_scale,
                self.steps_at_loss_scale,
                *self._figures.variables,
                self.best_heldout_loss,
                self.evaluations_since_best,
            ],
        }
        return {
            f"{group}/{variable.path}": variable.value
            for group, variables in groups.items()
            for variable in variables
        }

    def replica_step(self, batch, stop=0.0):
        context = tf.distribute.get_replica_context()
        sum_over_replicas = tf.distribute.ReduceOp.SUM
        # Before the gradients, so that these are of the global mean and no sum can overflow.
        weight = context.all_reduce(sum_over_replicas, tf.reduce_sum(batch[2]))
        loss_scale = tf.convert_to_tensor(self.loss_scale)
        gradients, totals = self._gradients(
            batch,
            dropout_seed(self._seed, self.batch_number, context.replica_id_in_sync_group),
            tf.math.divide_no_nan(loss_scale, weight),
        )
        *gradients, totals, stop = context.all_reduce(
            sum_over_replicas, [*gradients, totals, tf.identity(stop)]
        )
        norm = tf.linalg.global_norm(gradients) / loss_scale
        factor = 1 / loss_scale
        if self._global_clipnorm:
            factor *= self._global_clipnorm / tf.maximum(norm, self._global_clipnorm)
        # Most steps clip nothing, and need not go through all gradients once more.
        gradients = tf.cond(
            tf.equal(factor, 1.0),
            lambda: gradients,
            lambda: [gradient * factor for gradient in gradients],
        )
        gradients = [
            tf.cast(gradient, variable.dtype)
            for gradient, variable in zip(
                gradients, self.pretrainer.trainable_variables, strict=True
            )
        ]
        if tf.__internal__.distribute.strategy_supports_no_merge_call():
            self._update(gradients, totals, norm, stop=stop, apply=self._apply)
        else:
            # Whether to update is asked once for all replicas: no branch within a replica may
            # hold what synchronises them.
            context.merge_call(self._update_all, args=(gradients, totals, norm, stop))

    def _update_all(self, strategy, gradients, *figures):
        totals, norm, stop = (strategy.experimental_local_results(value)[0] for value in figures)

        def apply(gradients):
            strategy.extended.call_for_each_replica(self._apply, args=(gradients,))

        self._update(gradients, totals, norm, stop=stop, apply=apply)

    def _apply(self, gradients):
        self.optimizer.apply(gradients, self.pretrainer.trainable_variables)

    def _update(self, gradients, totals, norm, *, stop, apply):
        loss_is_finite = tf.math.is_finite(tf.reduce_sum(totals[:, LOSS]))
        is_good = loss_is_finite & tf.math.is_finite(norm)

        def take_step():
            with gradients_summed_already(self.optimizer):
                apply(gradients)
            return tf.constant(True)

        tf.cond(is_good, take_step, lambda: tf.constant(False))
        # A gradient that overflows in float16 calls for a smaller scale, and is no fault of the
        # batch while there is one.
        is_bad = ~is_good
        if self._scales_loss:
            is_bad &= ~loss_is_finite | (self.loss_scale <= 1)
            self._update_loss_scale(is_good)
        self.last_bad_batch.assign(tf.where(is_bad, self.batch_number, self.last_bad_batch))
        self.bad_steps_in_a_row.assign(tf.where(is_bad, self.bad_steps_in_a_row + 1, 0))
        self.batch_number.assign_add(1)
        self._figures.add_step(totals, norm, is_good=is_good, is_bad=is_bad)
        self.stop_heard.assign(stop)

    def _update_loss_scale(self, is_good):
        steps = self.steps_at_loss_scale + 1
        is_time = is_good & (steps >= _STEPS_BEFORE_LARGER_SCALE)
        change = tf.where(is_good, tf.where(is_time, 2.0, 1.0), 0.5)
        self.loss_scale.assign(tf.maximum(self.loss_scale * change, 1.0))
        self.steps_at_loss_scale.assign(tf.where(is_good & ~is_time, steps, 0))

    def step_logs(self):
        """Returns the figures of the epoch so far, from sums over all replicas.

        Returns:
            dict of scalar tensors: those of `IntervalFigures`, that is `loss`, `accuracy`, with
            several objectives `<name>_loss` and `<name>_accuracy`, `gradient_norm` (the mean before
            clipping) and `bad_steps` (how many were skipped); `stop`, above 0 if a worker asked to
            stop; and `step`, the number of steps taken in all.
        """
        return {
            **self._figures.of_predictions(),
            **self._figures.of_steps(),
            "stop": tf.convert_to_tensor(self.stop_heard),
            "step": tf.convert_to_tensor(self.batch_number),
        }

    def test_replica_step(self, batch):
        context = tf.distribute.get_replica_context()
        totals = context.all_reduce(
            tf.distribute.ReduceOp.SUM, tf.identity(self._gradients.totals(batch))
        )
        if tf.__internal__.distribute.strategy_supports_no_merge_call():
            self._figures.add_totals(totals)
        else:
            context.merge_call(self._add_totals_of_all, args=(totals,))

    def _add_totals_of_all(self, strategy, totals):
        self._figures.add_totals(strategy.experimental_local_results(totals)[0])

    def test_logs(self):
        """Returns the figures of an evaluation so far, as those of `IntervalFigures`."""
        return self._figures.of_predictions()
