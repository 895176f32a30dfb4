"""The model that pretraining fits: slots in, logits of the predicted slots out."""

import keras
from keras import ops

from mpnet_tf.layers.content_slots import ContentSlots
from mpnet_tf.models.mpnet_masked_lm import mpnet_lm_head
from mpnet_tf.objectives.visibility import KEY_FEATURES, SLOT_FEATURES, visible_keys


@keras.saving.register_keras_serializable(package="mpnet_tf")
class MPNetPretrainer(keras.Model):
    """An MPNet backbone and a language-model head that run over slots.

    Both streams of two-stream attention are one pass over all slots, with keys and values from
    the content slots alone. The last layer computes only the predicted slots: nothing reads the
    others' results.

    Args:
        backbone: `MPNetBackbone`.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Call arguments:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`.

    References:
        MPNet (https://arxiv.org/abs/2004.09297), figure 1 and section 2.2.
    """

    def __init__(self, backbone, lm_head=None, **kwargs):
        # === Layers ===
        lm_head = mpnet_lm_head(backbone) if lm_head is None else lm_head

        # === Functional model ===
        inputs = {
            name: keras.Input(shape=(None,), dtype="int32", name=name)
            for name in (*SLOT_FEATURES, *KEY_FEATURES, "prediction_slots")
        }
        content_slots = ContentSlots(name="content_slots", autocast=False)
        every_slot = {name: inputs[name] for name in SLOT_FEATURES}
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
            return backbone.relative_position_bias(
                queries["position_ids"], keys["position_ids"], visible
            )

        shared_bias = attention_bias(every_slot)
        hidden = backbone.embeddings(inputs["token_ids"], inputs["position_ids"])
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
        super().__init__(inputs=inputs, outputs=lm_head(predicted_hidden), **kwargs)

        # === Config ===
        self.backbone = backbone
        self.lm_head = lm_head

    def get_config(self):
        return {"name": self.name, "backbone": keras.saving.serialize_keras_object(self.backbone)}

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(backbone, name=config["name"])
