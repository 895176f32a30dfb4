"""Trains an embedder with a loss of the embeddings of a whole batch."""

import keras
import tensorflow as tf

from mpnet_tf.finetuning.embedding_gradients import EmbeddingGradients
from mpnet_tf.training.distributed_fit import DistributedFit, gradients_summed_already
from mpnet_tf.training.dropout_seeds import dropout_seed


class EmbeddingTrainer(DistributedFit):
    """Has `fit` and `evaluate` for an embedder, on one device or under a strategy.

    The loss is that of the global batch: under `tf.distribute` the texts of all replicas are each
    other's negatives, and a step is that of one device with all rows. The same batches and seed
    give the same steps. It is no model to keep: save `embedder`.

    Under a strategy, make it, the embedder and the optimizer within its scope. Every replica
    computes the loss of all embeddings, which takes a matrix of as many rows and columns as the
    batch has.

    Args:
        embedder: `TransformerTextEmbedder`, or any built Keras model from a dict of features to
            embeddings `(batch_size, embedding_dim)`.
        loss: callable from embeddings, a list of float tensors `(batch_size, embedding_dim)`, and
            labels to a scalar, such as `MultipleNegativesRankingLoss()`, `CosentLoss()` or
            `MatryoshkaLoss(...)`.
        chunk_size: int or None. Texts whose activations are in memory at a time, of a replica:
            with the gradient caching of `EmbeddingGradients`, any batch fits, for an extra pass
            without gradients. Default None: those of the whole batch.
        seed: int from 0. Dropout of step k follows from it and k alone. Default 0.

    `compile` takes a Keras optimizer and `steps_per_execution`. An element of the data is
    `(columns, labels)`: a tuple of dicts of `token_ids`, `padding_mask` and what else the embedder
    takes, one for each text of a row, and a tensor of labels as the loss takes it; or `(columns,)`.

    Attributes:
        embedder: the model that is trained.
        step_number: int64 variable. Steps taken so far.

    Raises:
        RuntimeError: on another Keras backend than TensorFlow.
        ValueError: if `chunk_size` is not positive.
        tf.errors.InvalidArgumentError: in `fit` and `evaluate`, if texts are longer than the body
            takes.

    Example:

    ```python
    pack = TextPacker(tokenizer, sequence_length=64)
    trainer = EmbeddingTrainer(embedder, MultipleNegativesRankingLoss(), chunk_size=64)
    trainer.compile(keras.optimizers.AdamW(2e-5, global_clipnorm=1.0))
    batches = contrastive_batches([questions, answers], pack, batch_size=1024, seed=0)
    trainer.fit(batches, steps_per_epoch=len(questions) // 1024, epochs=3)
    embedder.save_to_preset("embedder")
    ```
    """

    def __init__(self, embedder, loss, *, chunk_size=None, seed=0, **kwargs):
        super().__init__(**kwargs)
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                "`EmbeddingTrainer` needs Keras' TensorFlow backend (KERAS_BACKEND=tensorflow). "
                f"Received: backend={keras.backend.backend()!r}"
            )
        self.embedder = embedder
        self.built = True
        self._seed = seed
        self._gradients = EmbeddingGradients(embedder, loss, chunk_size)

        def variable(name, dtype):
            return self.add_weight(
                shape=(),
                initializer="zeros",
                dtype=dtype,
                trainable=False,
                autocast=False,
                # The same on all replicas.
                aggregation="only_first_replica",
                name=name,
            )

        self.step_number = variable("step_number", "int64")
        self._loss_sum = variable("loss_sum", "float32")
        self._num_batches = variable("num_batches", "float32")

    def compile(self, optimizer, *, steps_per_execution=1):
        """Sets the optimizer, built or not, and how many steps are run at once.

        Raises:
            ValueError: if the optimizer scales the loss and there are several replicas.
        """
        if self.distribute_strategy.num_replicas_in_sync > 1 and isinstance(
            optimizer, keras.optimizers.LossScaleOptimizer
        ):
            # It would have the inner optimizer sum over the replicas what is summed already.
            raise ValueError(
                "`optimizer` must be no LossScaleOptimizer on several replicas; train in bfloat16 "
                f"there. Received: optimizer={optimizer.name!r}"
            )
        super().compile(
            optimizer=optimizer,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
            auto_scale_loss=False,
        )
        if not self.optimizer.built:
            self.optimizer.build(self.embedder.trainable_variables)

    def call(self, features, training=None):
        return self.embedder(features, training=training)

    @property
    def metrics(self):
        """Empty: the loss is a mean over batches, which all replicas know."""
        return []

    def reset_metrics(self):
        """Begins the mean of the losses anew."""
        self._loss_sum.assign(0.0)
        self._num_batches.assign(0.0)

    def replica_step(self, batch, stop):
        # Nobody asks this trainer to stop amid an epoch.
        del stop
        context = tf.distribute.get_replica_context()
        columns, labels = _columns_and_labels(batch)
        loss, gradients = self._gradients(
            self._checked(columns),
            labels,
            dropout_seed(self._seed, self.step_number, context.replica_id_in_sync_group),
            gradient_scale=self.optimizer.scale_loss,
        )
        if context.num_replicas_in_sync > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        if tf.__internal__.distribute.strategy_supports_no_merge_call():
            with gradients_summed_already(self.optimizer):
                self._apply(gradients)
        else:
            # Once for all replicas, whose threads share the optimizer.
            context.merge_call(self._apply_on_all, args=(gradients,))
        self.step_number.assign_add(1)
        self._add_loss(loss)

    def _checked(self, columns):
        # A GPU would take positions beyond the table for zeros and go on.
        backbone = getattr(self.embedder, "backbone", None)
        if backbone is None:
            return columns
        longest = backbone.max_sequence_length
        checks = [
            tf.debugging.assert_less_equal(
                tf.shape(features["padding_mask"])[1],
                longest,
                message=(
                    f"Texts must have at most {longest} tokens, the body's `max_sequence_length`. "
                    "Give what packs them a smaller `sequence_length`."
                ),
            )
            for features in columns
        ]
        # Before anything that would fail by a less telling error.
        with tf.control_dependencies(checks):
            return tf.nest.map_structure(tf.identity, columns)

    def _apply_on_all(self, strategy, gradients):
        with gradients_summed_already(self.optimizer):
            strategy.extended.call_for_each_replica(self._apply, args=(gradients,))

    def _apply(self, gradients):
        variables = self.embedder.trainable_variables
        gradients = [
            tf.cast(gradient, variable.dtype)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]
        self.optimizer.apply(gradients, variables)

    def test_replica_step(self, batch):
        columns, labels = _columns_and_labels(batch)
        self._add_loss(self._gradients.loss(self._checked(columns), labels))

    def step_logs(self):
        """Returns the mean loss of the epoch's batches."""
        return {"loss": tf.math.divide_no_nan(self._loss_sum.value, self._num_batches.value)}

    def test_logs(self):
        """Returns the mean loss of the batches."""
        return self.step_logs()

    def _add_loss(self, loss):
        self._loss_sum.assign_add(tf.cast(loss, tf.float32))
        self._num_batches.assign_add(1.0)


def _columns_and_labels(batch):
    columns, *labels = batch
    return columns, labels[0] if labels else None
