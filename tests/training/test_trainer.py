"""The train step against plain TensorFlow and NumPy, whatever way it is computed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training import small_trainers
from tests.training.small_trainers import (
    OBJECTIVE_NAMES,
    batch,
    expected_figures,
    fit,
    make_model,
    make_trainer,
    plain_gradients,
    set_state,
    state_of,
    weights_of,
)


@pytest.fixture(scope="module")
def plain():
    """A trainer without choices, and the state that it began in."""
    trainer = make_trainer()
    return trainer, state_of(trainer)


@pytest.fixture
def trainer(plain):
    trainer, state = plain
    set_state(trainer, state)
    trainer.optimizer.learning_rate.assign(1.0)
    return trainer


@pytest.fixture(scope="module")
def expected():
    """Mean loss and gradients of batch 0 at the initial weights; embeddings' come as slices."""
    return plain_gradients(make_model(), batch(0))


def dense(gradients):
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def norm_of(gradients):
    return np.sqrt(sum(np.sum(np.square(value, dtype=np.float64)) for value in dense(gradients)))


def moved(trainer):
    """Takes a step on batch 0; returns by how much each weight fell, and the logs."""
    before = weights_of(trainer.pretrainer)
    logs = fit(trainer, [batch(0)])
    after = weights_of(trainer.pretrainer)
    return [old - new for old, new in zip(before, after, strict=True)], logs


def test_a_step_follows_the_gradient_of_the_mean_loss(trainer, expected):
    loss, gradients = expected
    found, logs = moved(trainer)
    for one, other in zip(found, dense(gradients), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert all(np.abs(gradient).max() > 1e-4 for gradient in dense(gradients))
    assert logs["loss"] == pytest.approx(loss, rel=1e-6)
    assert logs["step"] == 1 and logs["bad_steps"] == 0 and logs["stop"] == 0


def test_the_norm_counts_rows_that_occur_twice_as_one(trainer, expected):
    _, gradients = expected
    _, logs = moved(trainer)
    assert logs["gradient_norm"] == pytest.approx(norm_of(gradients), rel=1e-6)
    # Of the slices themselves it is another.
    assert any(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)
    assert abs(float(tf.linalg.global_norm(gradients)) / norm_of(gradients) - 1) > 1e-4


@pytest.mark.parametrize(("number", "clipnorm"), [(2, 0.0), (4, 0.1)])
def test_micro_batches_and_clipping_give_the_step_of_the_whole_batch(expected, number, clipnorm):
    _, gradients = expected
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    if clipnorm:
        assert norm_of(gradients) > 2 * clipnorm
        gradients, _ = tf.clip_by_global_norm(gradients, clipnorm)
    found, logs = moved(make_trainer(gradient_accumulation=number, global_clipnorm=clipnorm))
    for one, other in zip(found, dense(gradients), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    # The one before clipping.
    assert logs["gradient_norm"] == pytest.approx(norm_of(expected[1]), rel=1e-5)
    assert logs["loss"] == pytest.approx(expected[0], rel=1e-6)


def test_xla_gives_the_same_step(expected):
    found, logs = moved(make_trainer(jit_compile=True, gradient_accumulation=2))
    for one, other in zip(found, dense(expected[1]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert logs["loss"] == pytest.approx(expected[0], rel=1e-5)


def test_figures_are_sums_over_all_steps(trainer):
    """With weights that stay, so that all steps' figures can be told at once."""
    trainer.optimizer.learning_rate.assign(0.0)
    batches = [batch(number) for number in range(3)]
    logs = fit(trainer, batches)
    model = trainer.pretrainer
    loss, accuracy = expected_figures(model, batches)
    assert logs["loss"] == pytest.approx(loss, rel=1e-5)
    assert logs["accuracy"] == pytest.approx(accuracy, rel=1e-6)
    for number, name in enumerate(OBJECTIVE_NAMES):
        loss, accuracy = expected_figures(model, batches, number)
        assert logs[f"{name}_loss"] == pytest.approx(loss, rel=1e-5)
        assert logs[f"{name}_accuracy"] == pytest.approx(accuracy, rel=1e-6)
    norms = [norm_of(plain_gradients(model, values)[1]) for values in batches]
    assert logs["gradient_norm"] == pytest.approx(np.mean(norms), rel=1e-5)
    means = [expected_figures(model, [values])[0] for values in batches]
    assert abs(np.mean(means) / logs["loss"] - 1) > 1e-4, "too much alike to tell the means"
    # An epoch begins its sums anew.
    again = fit(trainer, batches[:1])
    assert again["loss"] == pytest.approx(means[0], rel=1e-5)
    assert again["step"] == 4


def test_an_epoch_that_goes_on_has_the_sums_of_the_whole(trainer):
    trainer.optimizer.learning_rate.assign(0.0)
    batches = [batch(number) for number in range(3)]
    fit(trainer, batches[:2])
    saved = state_of(trainer)
    fit(trainer, [batch(9)])
    set_state(trainer, saved)
    trainer.continues_epoch = True
    logs = fit(trainer, batches[2:])
    assert logs["loss"] == pytest.approx(expected_figures(trainer.pretrainer, batches)[0], rel=1e-5)
    assert fit(trainer, batches[:1])["loss"] != pytest.approx(logs["loss"], rel=1e-5)


def test_an_objective_that_no_row_was_given_has_no_figures(trainer):
    slots, target_ids, target_weights = batch(0)
    own = np.where(slots["objective_ids"] == 1, target_weights, 0)
    logs = fit(trainer, [(slots, target_ids, own)])
    assert np.isnan(logs["mpnet_loss"]) and np.isnan(logs["mpnet_accuracy"])
    assert logs["mlm_loss"] == logs["loss"]


def test_a_batch_without_predictions_is_a_step_of_nothing(trainer):
    slots, target_ids, target_weights = batch(0)
    before = weights_of(trainer.pretrainer)
    logs = fit(trainer, [(slots, target_ids, np.zeros_like(target_weights))])
    assert np.isnan(logs["loss"]) and logs["gradient_norm"] == 0 and logs["bad_steps"] == 0
    for one, other in zip(weights_of(trainer.pretrainer), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_evaluation_tells_the_means_and_changes_nothing(trainer):
    batches = [batch(number) for number in range(3)]
    before = weights_of(trainer.pretrainer)
    figures = trainer.evaluate(
        small_trainers.dataset(batches), steps=3, verbose=0, return_dict=True
    )
    loss, accuracy = expected_figures(trainer.pretrainer, batches)
    assert float(figures["loss"]) == pytest.approx(loss, rel=1e-5)
    assert float(figures["accuracy"]) == pytest.approx(accuracy, rel=1e-6)
    for one, other in zip(weights_of(trainer.pretrainer), before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def with_dropout():
    """State and logs after 6 steps with dropout on."""
    trainer = make_trainer(make_model(dropout=0.3, attention_dropout=0.3), seed=11)
    trainer.optimizer.learning_rate.assign(0.1)
    begin = state_of(trainer)
    logs = fit(trainer, BATCHES)
    return trainer, begin, (state_of(trainer), logs)


BATCHES = [batch(number) for number in range(6)]


def test_dropout_follows_from_seed_and_batch_number_alone(with_dropout):
    trainer, begin, (expected_state, expected_logs) = with_dropout
    set_state(trainer, begin)
    fit(trainer, BATCHES[:3])
    # What is no state of a run: the layers' own generators.
    for variable in trainer.pretrainer.variables:
        if variable.name == "seed_generator_state":
            variable.assign([1, 2])
    fit(trainer, BATCHES[3:])
    found = state_of(trainer)
    for name, value in expected_state.items():
        if "step_sums" not in name and "totals" not in name:
            np.testing.assert_array_equal(found[name], value, err_msg=name)
    set_state(trainer, begin)
    trainer.batch_number.assign(100)
    assert fit(trainer, BATCHES)["loss"] != expected_logs["loss"]


def test_steps_per_execution_change_no_bit(with_dropout):
    _, _, (expected_state, expected_logs) = with_dropout
    trainer = make_trainer(
        make_model(dropout=0.3, attention_dropout=0.3), seed=11, steps_per_execution=3
    )
    trainer.optimizer.learning_rate.assign(0.1)
    assert fit(trainer, BATCHES) == expected_logs
    for name, value in state_of(trainer).items():
        np.testing.assert_array_equal(value, expected_state[name], err_msg=name)


def test_activations_computed_again_give_the_same_losses(with_dropout):
    _, _, (expected_state, expected_logs) = with_dropout
    model = make_model(dropout=0.3, attention_dropout=0.3)
    for layer in model.backbone.transformer_layers:
        layer.rematerialize = True
    trainer = make_trainer(model, seed=11)
    trainer.optimizer.learning_rate.assign(0.1)
    logs = fit(trainer, BATCHES)
    assert logs["loss"] == pytest.approx(expected_logs["loss"], rel=1e-6)
    for name, value in state_of(trainer).items():
        np.testing.assert_allclose(value, expected_state[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "policy", ["mixed_bfloat16", pytest.param("bfloat16", marks=pytest.mark.slow)]
)
def test_a_bfloat16_model_learns_a_batch(policy):
    trainer = make_trainer(make_model(dtype=policy), keras.optimizers.Adam(0.01, beta_2=0.98))
    first = fit(trainer, [batch(0)])
    # Half of the digits of float32 are gone: two significant ones stay.
    assert first["loss"] == pytest.approx(expected_figures(make_model(), [batch(0)])[0], rel=0.03)
    fit(trainer, [batch(0)], steps=30)
    assert fit(trainer, [batch(0)])["loss"] < first["loss"] - 0.5


def test_another_backend_is_refused(monkeypatch):
    model = make_model()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    message = r"needs Keras' TensorFlow backend .*KERAS_BACKEND=tensorflow.* backend='jax'"
    with pytest.raises(RuntimeError, match=message):
        make_trainer(model)
