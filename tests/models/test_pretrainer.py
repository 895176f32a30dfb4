"""The pretraining model against an independent reference, and what each query may see."""

import itertools

import keras
import numpy as np
import pytest

from mpnet_tf.models import Pretrainer, make_masked_lm
from mpnet_tf.objectives.visibility import visible_slots
from tests.models.objective_views import views_of_row
from tests.models.reference import reference_logits
from tests.models.small_models import (
    BODY_NAMES,
    OBJECTIVE_NAMES,
    SEQUENCE_LENGTH,
    random_pretrainer,
    small_backbone,
    small_batch,
)

each_objective = pytest.mark.parametrize("objective_name", OBJECTIVE_NAMES)
each_body = pytest.mark.parametrize("body", BODY_NAMES)


def compiled(model, *, run_eagerly=False, **optimizer_settings):
    model.compile(
        optimizer=keras.optimizers.Adam(**optimizer_settings),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        run_eagerly=run_eagerly,
        jit_compile=False,
    )
    return model


@pytest.mark.parametrize(
    ("body", "objective_name"),
    [
        *itertools.product(BODY_NAMES, OBJECTIVE_NAMES),
        ("glm", "glm_document"),
        ("glm", "glm_sentence"),
    ],
)
def test_logits_equal_each_document_run_alone_by_definition(body, objective_name):
    model, batch = random_pretrainer(body), small_batch(objective_name)
    logits = np.asarray(model(batch.slots, training=False))
    num_documents = num_predictions = 0
    for row in range(len(logits)):
        for view, predictions in views_of_row(objective_name, batch.features, batch, row):
            expected = reference_logits(model, view)
            scale = np.abs(expected).max()
            # float32 through three layers.
            np.testing.assert_allclose(
                logits[row, predictions] / scale, expected / scale, atol=1e-5
            )
            num_documents += 1
            num_predictions += len(predictions)
    assert num_documents >= 4 and num_predictions == batch.real.sum()


@each_objective
@each_body
def test_logits_follow_exactly_what_a_query_may_see(body, objective_name):
    """Changing one slot's token changes the logits of the queries that it reaches, no other.

    A slot reaches a query through those the query sees, and through what they see: the mask for an
    earlier prediction of MPNet, which the query sees no more, is seen by the plain tokens that it
    does see.
    """
    model, batch = random_pretrainer(body), small_batch(objective_name)
    row = {name: value[:1] for name, value in batch.slots.items()}
    num_content_slots = row["key_start"].shape[1]
    visible = np.asarray(visible_slots(row))[0]
    queries = row["prediction_slots"][0]
    # Without query slots, a query reaches its own logits whatever it sees.
    reaches = visible[queries] | (queries[:, np.newaxis] == np.arange(num_content_slots))
    for _ in range(num_content_slots):
        reaches |= reaches @ visible[:num_content_slots]

    # The last of the rows stays as it is.
    repeated = {
        name: np.repeat(value, num_content_slots + 1, axis=0) for name, value in row.items()
    }
    places = np.arange(num_content_slots)
    changed = repeated["token_ids"]
    changed[places, places] = np.where(changed[places, places] == 50, 51, 50)
    *after, before = np.asarray(model.predict_on_batch(repeated))
    # (num_predictions, num_content_slots)
    difference = np.abs(np.stack(after) - before).max(axis=2).T / np.abs(before).max()
    real = batch.real[0]
    assert real.sum() >= 5
    # What is hidden has a weight of exactly zero; the rest is the order of sums.
    assert (difference[real][reaches[real]] > 1e-5).all()
    assert (difference[real][~reaches[real]] < 2e-6).all()


def test_no_prediction_of_mpnet_is_reached_by_its_own_or_later_tokens():
    """Nor by another document: the sight of a query, through any number of layers, by hand."""
    batch = small_batch("mpnet")
    slots, real = batch.slots, batch.real
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


@each_body
def test_rows_do_not_depend_on_the_batch_around_them(body):
    model, batch = random_pretrainer(body), small_batch("mpnet")
    whole = np.asarray(model(batch.slots, training=False))
    alone = np.asarray(
        model({name: value[1:2] for name, value in batch.slots.items()}, training=False)
    )
    np.testing.assert_allclose(whole[1][batch.real[1]], alone[0][batch.real[1]], atol=1e-4)


@pytest.mark.parametrize("objective_name", ["mlm", "mpnet"])
@each_body
def test_first_prediction_equals_the_masked_language_model(body, objective_name):
    """A query of step 0 sees what a mask sees in the plain encoder, so both logits agree."""
    model, batch = random_pretrainer(body), small_batch(objective_name)
    row = 2
    masked_lm = make_masked_lm(model.backbone, lm_head=model.lm_head)
    slots = {name: value[row : row + 1] for name, value in batch.slots.items()}
    queries = slots["prediction_slots"][0][batch.real[row]]
    positions = slots["position_ids"][0, queries]
    token_ids = batch.features["token_ids"][row : row + 1].copy()
    token_ids[0, positions] = slots["token_ids"][0, queries]
    inputs = {
        "token_ids": token_ids,
        "padding_mask": np.ones_like(token_ids),
        "mask_positions": positions[np.newaxis, :1],
    }
    if model.backbone.num_segments:
        inputs["segment_ids"] = np.zeros_like(token_ids)
    plain = np.asarray(masked_lm(inputs, training=False))
    first = np.asarray(model(slots, training=False))
    np.testing.assert_allclose(first[0, 0], plain[0, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("body", "objective_name", "dtype"),
    [
        ("mpnet", "mpnet", "mixed_bfloat16"),
        ("glm", "glm", "float32"),
        *(
            pytest.param(name, name, dtype, marks=pytest.mark.slow)
            for name, dtype in (
                ("mpnet", "float32"),
                ("mpnet", "mixed_float16"),
                ("mpnet", "bfloat16"),
                ("glm", "mixed_bfloat16"),
                ("glm", "mixed_float16"),
                ("glm", "bfloat16"),
            )
        ),
    ],
)
def test_training_moves_every_weight(body, objective_name, dtype):
    batch = small_batch(objective_name)
    keras.utils.set_random_seed(8)
    # In bfloat16 the default beta_2 of 0.999 is 1, with which Adam stands still.
    model = compiled(
        Pretrainer(small_backbone(body, dtype=dtype, num_layers=2)),
        learning_rate=0.05,
        beta_2=0.98,
    )
    logits = model(batch.slots, training=False)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    before = [np.asarray(weight, np.float64) for weight in model.trainable_weights]
    model.fit(
        batch.slots,
        batch.target_ids,
        sample_weight=batch.real.astype("float32"),
        verbose=0,
        epochs=8,
    )
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = np.asarray(weight, np.float64)
        assert np.isfinite(new).all(), weight.path
        assert (new != old).any(), weight.path


@pytest.mark.parametrize("body", ["mpnet", pytest.param("glm", marks=pytest.mark.slow)])
def test_a_small_model_learns_one_batch_by_heart(body):
    batch = small_batch("mpnet")
    keras.utils.set_random_seed(9)
    backbone = small_backbone(
        body, dropout=0.0, attention_dropout=0.0, initializer_stddev=0.1, num_layers=2
    )
    model = compiled(Pretrainer(backbone), learning_rate=0.01)
    history = model.fit(
        batch.slots,
        batch.target_ids,
        sample_weight=batch.real.astype("float32"),
        verbose=0,
        epochs=40,
        batch_size=3,
    )
    assert history.history["loss"][0] > 4 and history.history["loss"][-1] < 0.1
    assert set(history.history) == {"loss", "accuracy"}


@each_body
def test_pretrainer_survives_saving(body, tmp_path):
    batch = small_batch("glm")
    model = Pretrainer(random_pretrainer(body).backbone, objective_names=("mpnet", "glm"))
    path = tmp_path / "model.keras"
    model.save(path)
    restored = keras.saving.load_model(path)
    assert restored.objective_names == ("mpnet", "glm")
    assert restored.get_config() == model.get_config()
    np.testing.assert_allclose(
        np.asarray(restored(batch.slots, training=False)),
        np.asarray(model(batch.slots, training=False)),
        atol=1e-5,
    )


def test_each_objective_of_a_mixture_has_its_own_loss_and_accuracy():
    batch = small_batch("mlm")
    names = ("mlm", "clm", "unasked")
    model = Pretrainer(random_pretrainer("bert").backbone, objective_names=names)
    compiled(model, run_eagerly=True)
    generator = np.random.default_rng(3)
    slots = {**batch.slots, "objective_ids": generator.integers(0, 2, batch.real.shape)}
    weights = generator.uniform(0.5, 2, batch.real.shape) * batch.real
    logits = np.asarray(model(slots, training=False), np.float64)
    targets = batch.target_ids.copy()
    # Some right answers, for the accuracies to differ from 0.
    targets[:, ::3] = logits.argmax(axis=2)[:, ::3]

    log_sums = np.log(np.exp(logits - logits.max(axis=2, keepdims=True)).sum(axis=2))
    chosen = np.take_along_axis(logits, targets[:, :, np.newaxis], axis=2)[:, :, 0]
    losses = log_sums + logits.max(axis=2) - chosen
    found = model.test_on_batch(slots, targets, sample_weight=weights, return_dict=True)
    for index, name in enumerate(names[:2]):
        own = weights * (slots["objective_ids"] == index)
        hits = logits.argmax(axis=2) == targets
        np.testing.assert_allclose(found[f"{name}_loss"], np.average(losses, weights=own), 1e-5)
        np.testing.assert_allclose(found[f"{name}_accuracy"], np.average(hits, weights=own), 1e-5)
    assert np.isnan(found["unasked_loss"]) and np.isnan(found["unasked_accuracy"])
    np.testing.assert_allclose(found["loss"], np.average(losses, weights=weights), 1e-5)
    assert len(found) == 2 + 2 * len(names)


def test_objective_names_must_differ():
    with pytest.raises(ValueError, match=r"`objective_names` must not hold a name twice.*'mlm'"):
        Pretrainer(random_pretrainer("bert").backbone, objective_names=("mlm", "mlm"))
