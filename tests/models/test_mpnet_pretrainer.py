"""The pretraining model against an independent reference, and what each query may see."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import MPNetBackbone, MPNetMaskedLM, MPNetPretrainer
from mpnet_tf.objectives import MaskedPermuted
from mpnet_tf.objectives.visibility import visible_slots
from tests.models.two_stream_reference import two_stream_logits
from tests.rows import pack_rows, random_documents, token_roles

ROLES = token_roles()
SEQUENCE_LENGTH = 160


def small_backbone(**settings):
    return MPNetBackbone(
        **{
            "vocabulary_size": ROLES.vocabulary_size,
            "num_layers": 3,
            "num_heads": 4,
            "hidden_dim": 32,
            "intermediate_dim": 64,
            "max_sequence_length": SEQUENCE_LENGTH,
            **settings,
        }
    )


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    model = MPNetPretrainer(small_backbone())
    generator = np.random.default_rng(4)
    # Large random weights, biases and norms too, so that no term of the equations hides.
    for weight in model.weights:
        if "seed" not in weight.name:
            weight.assign(weight + generator.normal(size=weight.shape) * 0.3)
    return model


@pytest.fixture(scope="module")
def batch():
    """Two packed rows of several ragged documents and one row that a document fills."""
    generator = np.random.default_rng(5)
    rows = [random_documents(generator, SEQUENCE_LENGTH, roles=ROLES) for _ in range(2)]
    rows.append([generator.choice(ROLES.text_token_ids, SEQUENCE_LENGTH - 2).tolist()])
    features = pack_rows(rows, SEQUENCE_LENGTH)
    objective = MaskedPermuted(ROLES, SEQUENCE_LENGTH)
    slots, _, weights = objective(
        {name: tf.constant(value) for name, value in features.items()}, tf.constant([6, 7])
    )
    slots = {name: value.numpy() for name, value in slots.items()}
    return features, slots, weights.numpy() > 0


def test_logits_equal_the_two_streams_run_apart(model, batch):
    features, slots, real = batch
    logits = np.asarray(model(slots, training=False))
    num_documents = 0
    for row in range(len(real)):
        queries = slots["prediction_slots"][row]
        query_segments = np.where(real[row], slots["segment_ids"][row, queries], -1)
        for segment in range(1, features["segment_ids"][row].max() + 1):
            document = features["token_ids"][row][features["segment_ids"][row] == segment]
            places = np.flatnonzero(query_segments == segment)
            expected = two_stream_logits(
                model,
                document.tolist(),
                order=slots["position_ids"][row, queries[places]].tolist(),
                stand_ins=slots["token_ids"][row, queries[places]].tolist(),
            )
            scale = np.abs(expected).max()
            np.testing.assert_allclose(logits[row, places] / scale, expected / scale, atol=1e-5)
            num_documents += 1
    assert num_documents >= 5


def test_logits_follow_exactly_what_a_query_may_see(model, batch):
    """Changing one slot's token changes the logits of the queries that it reaches, no other.

    A slot reaches a query through those the query sees, and through what they see: the mask for an
    earlier prediction, which the query sees no more, is seen by the plain tokens that it does see.
    """
    _, slots, real = batch
    row = {name: value[:1] for name, value in slots.items()}
    num_content_slots = row["key_start"].shape[1]
    visible = np.asarray(visible_slots(row))[0]
    reaches = visible[row["prediction_slots"][0]]
    for _ in range(num_content_slots):
        reaches |= reaches @ visible[:num_content_slots]

    before = np.asarray(model(row, training=False))[0]
    changed = np.repeat(row["token_ids"], num_content_slots, axis=0)
    places = np.arange(num_content_slots)
    changed[places, places] = np.where(changed[places, places] == 50, 51, 50)
    repeated = {name: np.repeat(value, num_content_slots, axis=0) for name, value in row.items()}
    repeated["token_ids"] = changed
    after = np.asarray(model.predict_on_batch(repeated))
    difference = np.abs(after - before).max(axis=2).T  # (num_predictions, num_content_slots)
    assert real[0].sum() >= 10
    # What is hidden has a weight of exactly zero; the rest is the order of sums.
    assert (difference[real[0]][reaches[real[0]]] > 1e-4).all()
    assert (difference[real[0]][~reaches[real[0]]] < 2e-5).all()


def test_no_prediction_is_reached_by_its_own_or_later_tokens(batch):
    """Nor by another document: the sight of a query, through any number of layers, by hand."""
    _, slots, real = batch
    visible = np.asarray(visible_slots(slots))
    for row in range(len(real)):
        num_content_slots = slots["key_start"].shape[1]
        queries = slots["prediction_slots"][row][real[row]]
        reaches = visible[row, queries]
        for _ in range(num_content_slots):
            reaches |= reaches @ visible[row, :num_content_slots]
        segments, steps = slots["segment_ids"][row], slots["query_step"][row]
        for query, reached in zip(queries, reaches, strict=True):
            keys = np.flatnonzero(reached)
            assert (segments[keys] == segments[query]).all()
            text_keys = keys[keys < SEQUENCE_LENGTH]
            # Token k has step k + 1 as content: all that is reached was predicted before.
            assert (steps[text_keys] <= steps[query]).all()


def test_rows_do_not_depend_on_the_batch_around_them(model, batch):
    _, slots, real = batch
    whole = np.asarray(model(slots, training=False))
    alone = np.asarray(model({name: value[1:2] for name, value in slots.items()}, training=False))
    np.testing.assert_allclose(whole[1][real[1]], alone[0][real[1]], atol=1e-4)


def test_first_prediction_equals_the_masked_language_model(model, batch):
    """The query of step 0 sees what a mask sees in the plain encoder, so both logits agree."""
    features, slots, real = batch
    row = 2
    masked_lm = MPNetMaskedLM(model.backbone, lm_head=model.lm_head)
    queries = slots["prediction_slots"][row][real[row]]
    positions = slots["position_ids"][row, queries]
    token_ids = features["token_ids"][row : row + 1].copy()
    token_ids[0, positions] = slots["token_ids"][row, queries]
    plain = masked_lm(
        {
            "token_ids": token_ids,
            "padding_mask": np.ones_like(token_ids),
            "mask_positions": positions[np.newaxis, :1],
        },
        training=False,
    )
    first = np.asarray(model({n: v[row : row + 1] for n, v in slots.items()}, training=False))
    np.testing.assert_allclose(first[0, 0], np.asarray(plain)[0, 0], atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_training_moves_every_weight(batch, dtype):
    _, slots, real = batch
    keras.utils.set_random_seed(8)
    model = MPNetPretrainer(small_backbone(dtype=dtype))
    model.compile(
        # In bfloat16 the default beta_2 of 0.999 is 1, with which Adam stands still.
        optimizer=keras.optimizers.Adam(0.05, beta_2=0.98),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        jit_compile=False,
    )
    logits = model(slots, training=False)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    before = [np.asarray(weight, np.float64) for weight in model.trainable_weights]
    targets = np.random.default_rng(1).choice(ROLES.text_token_ids, real.shape)
    model.fit(slots, targets, sample_weight=real.astype("float32"), verbose=0, epochs=8)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = np.asarray(weight, np.float64)
        assert np.isfinite(new).all(), weight.path
        assert (new != old).any(), weight.path


def test_a_small_model_learns_one_batch_by_heart(batch):
    _, slots, real = batch
    keras.utils.set_random_seed(9)
    model = MPNetPretrainer(small_backbone(dropout=0.0, attention_dropout=0.0))
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        jit_compile=False,
    )
    targets = np.random.default_rng(2).choice(ROLES.text_token_ids, real.shape)
    weights = real.astype("float32")
    history = model.fit(slots, targets, sample_weight=weights, verbose=0, epochs=150, batch_size=3)
    assert history.history["loss"][0] > 4 and history.history["loss"][-1] < 0.1


def test_pretrainer_survives_saving(model, batch, tmp_path):
    _, slots, _ = batch
    path = tmp_path / "model.keras"
    model.save(path)
    restored = keras.saving.load_model(path)
    np.testing.assert_allclose(
        np.asarray(restored(slots, training=False)),
        np.asarray(model(slots, training=False)),
        atol=1e-5,
    )
