"""A whole training step under XLA, with the static shapes that an objective gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import Pretrainer
from mpnet_tf.objectives import make_objective
from mpnet_tf.objectives.visibility import KEY_FEATURES, PREDICTION_FEATURES, SLOT_FEATURES
from tests.models.small_models import ROLES, SEQUENCE_LENGTH, packed_rows, small_backbone


def one_batch(objective):
    """Returns the slots and labels of a batch, through a `tf.data` pipeline."""
    rows = packed_rows()
    batch_size = len(rows["token_ids"])
    dataset = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size, drop_remainder=True)
    dataset = dataset.map(lambda batch: objective(batch, tf.constant([6, 7])))

    slot_specs, *label_specs = dataset.element_spec
    widths = {
        **dict.fromkeys(SLOT_FEATURES, objective.num_slots),
        **dict.fromkeys(KEY_FEATURES, objective.num_content_slots),
        **dict.fromkeys(PREDICTION_FEATURES, objective.num_predictions),
    }
    assert {name: spec.shape.as_list() for name, spec in slot_specs.items()} == {
        name: [batch_size, width] for name, width in widths.items()
    }
    for spec in label_specs:
        assert spec.shape.as_list() == [batch_size, objective.num_predictions]
    return next(iter(dataset))


def make_step(body, slots):
    """Makes a model of fixed weights without dropout, and a step that trains it."""
    keras.utils.set_random_seed(3)
    model = Pretrainer(
        small_backbone(
            body, num_layers=2, dropout=0.0, attention_dropout=0.0, initializer_stddev=0.1
        )
    )
    model(slots)
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    loss_fn = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )

    def step(slots, target_ids, target_weights):
        with tf.GradientTape() as tape:
            loss = loss_fn(target_ids, model(slots, training=True), sample_weight=target_weights)
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return step


@pytest.mark.parametrize(
    ("objective_name", "body"),
    [
        ("mpnet", "mpnet"),
        ("mpnet:0.4,glm:0.3,mlm:0.3", "glm"),
        *(
            pytest.param(name, body, marks=pytest.mark.slow)
            for name, body in (
                ("mlm", "bert"),
                ("plm", "xlnet_style"),
                ("clm", "glm"),
                ("glm", "glm"),
                ("glm_document", "glm"),
                ("glm_sentence", "glm"),
            )
        ),
    ],
)
def test_steps_under_xla_equal_those_without(objective_name, body):
    batch = one_batch(make_objective(objective_name, ROLES, SEQUENCE_LENGTH))
    plain = make_step(body, batch[0])
    compiled = tf.function(make_step(body, batch[0]), jit_compile=True)
    # The second step's loss tells whether the first changed the weights alike.
    expected = [float(plain(*batch)) for _ in range(2)]
    found = [float(compiled(*batch)) for _ in range(2)]
    assert expected[1] < expected[0]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    # Adam's first step divides each gradient by its own size, so tiny differences grow.
    np.testing.assert_allclose(found[1], expected[1], rtol=2e-4)
