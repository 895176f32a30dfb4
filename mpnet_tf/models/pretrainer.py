"""The model that pretraining fits: slots in, logits of the predicted slots out."""

import keras
from keras import ops

from mpnet_tf.layers.content_slots import ContentSlots
from mpnet_tf.models.masked_lm import make_lm_head
from mpnet_tf.objectives.visibility import (
    KEY_FEATURES,
    PREDICTION_FEATURES,
    SLOT_FEATURES,
    visible_keys,
)


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MeanOfSome(keras.metrics.Mean):
    """A mean that is NaN, not 0, where there was nothing to average."""

    def result(self):
        return ops.where(ops.equal(self.count, 0), float("nan"), super().result())


@keras.saving.register_keras_serializable(package="mpnet_tf")
class Pretrainer(keras.Model):
    """A backbone and a language-model head that run over slots, whatever the objective.

    Both streams of two-stream attention are one pass over all slots, with keys and values from
    the content slots alone. The last layer computes only the predicted slots: nothing reads the
    others' results. A body that lacks an embedding for one of the features does not see it.

    Args:
        backbone: `TransformerBackbone`.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.
        objective_names: tuple of str. The objectives of a mixture in the order of their ids. With
            more than one, training and evaluation also report each one's mean loss and accuracy
            over its own predictions, as `<name>_loss` and `<name>_accuracy`.

    Call arguments:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`.

    Raises:
        ValueError: if an objective is named twice.

    Example:

    ```python
    objective = make_objective("mpnet", roles, sequence_length=128)
    model = Pretrainer(MPNetBackbone(roles.vocabulary_size), objective_names=objective.names)
    model.compile(
        "adamw",
        # The mean over the predictions; other reductions count the empty places too.
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=["accuracy"],
    )
    # A `tf.data.Dataset` of `(slots, target_ids, target_weights)`, such as of
    # `mpnet_tf.data.batches.training_batches`, or of `objective(rows, seed)`.
    model.fit(batches)
    ```

    References:
        MPNet (https://arxiv.org/abs/2004.09297), figure 1 and section 2.2.
    """

    def __init__(self, backbone, lm_head=None, objective_names=(), **kwargs):
        if len(set(objective_names)) != len(objective_names):
            raise ValueError(
                "`objective_names` must not hold a name twice. "
                f"Received: objective_names={tuple(objective_names)}"
            )
        # === Layers ===
        lm_head = make_lm_head(backbone) if lm_head is None else lm_head

        # === Functional model ===
        inputs = {
            name: keras.Input(shape=(None,), dtype="int32", name=name)
            for name in (*SLOT_FEATURES, *KEY_FEATURES, *PREDICTION_FEATURES)
        }
        # Metrics alone read these. Keras 3.12, the newest for Python 3.10, refuses an input that no
        # operation takes.
        ops.stop_gradient(inputs["objective_ids"])
        content_slots = ContentSlots(name="content_slots", autocast=False)
        predicted = {
            name: ops.take_along_axis(inputs[name], inputs["prediction_slots"], axis=1)
            for name in SLOT_FEATURES
        }
        keys = {name: content_slots(inputs[name], inputs["key_start"]) for name in SLOT_FEATURES}

        def attention_bias(queries):
            visible = visible_keys(
                query_step=queries["query_step"],
                query_segment_ids=queries["segment_ids"],
                key_start=inputs["key_start"],
                key_end=inputs["key_end"],
                key_segment_ids=keys["segment_ids"],
            )
            return backbone.attention_bias(queries["position_ids"], keys["position_ids"], visible)

        shared_bias = attention_bias(inputs)
        hidden = backbone.embeddings(
            inputs["token_ids"],
            inputs["position_ids"],
            block_position_ids=inputs["block_position_ids"],
        )
        *body, last = backbone.transformer_layers
        for layer in body:
            hidden = layer(hidden, content_slots(hidden, inputs["key_start"]), shared_bias)
        predicted_hidden = ops.take_along_axis(
            hidden, ops.expand_dims(inputs["prediction_slots"], 2), axis=1
        )
        predicted_hidden = last(
            predicted_hidden,
            content_slots(hidden, inputs["key_start"]),
            attention_bias(predicted),
        )
        if backbone.final_norm is not None:
            predicted_hidden = backbone.final_norm(predicted_hidden)
        super().__init__(inputs=inputs, outputs=lm_head(predicted_hidden), **kwargs)

        # === Config ===
        self.backbone = backbone
        self.lm_head = lm_head
        self.objective_names = tuple(objective_names)

        # === Metrics ===
        self._objective_metrics = []
        if len(self.objective_names) > 1:
            self._objective_metrics = [
                (MeanOfSome(name=f"{name}_loss"), MeanOfSome(name=f"{name}_accuracy"))
                for name in self.objective_names
            ]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates all metrics with a batch; those of each objective with its own predictions."""
        if self._objective_metrics:
            losses = keras.losses.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
            hits = ops.equal(ops.cast(y, "int32"), ops.argmax(y_pred, axis=-1))
            weights = ops.cast(1.0 if sample_weight is None else sample_weight, losses.dtype)
            for index, (loss, accuracy) in enumerate(self._objective_metrics):
                own = ops.where(ops.equal(x["objective_ids"], index), weights, 0.0)
                loss.update_state(losses, sample_weight=own)
                accuracy.update_state(hits, sample_weight=own)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self):
        return {
            "name": self.name,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "objective_names": list(self.objective_names),
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(backbone, objective_names=config["objective_names"], name=config["name"])
