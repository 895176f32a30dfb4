"""Each optimizer's steps and what decays, against its paper worked in NumPy."""

import keras
import numpy as np
import pytest

from mpnet_tf.training.optimizers import make_optimizer
from tests.training.optimizer_steps import (
    HAS_MUON,
    NAMES,
    RATES,
    TOTAL_STEPS,
    WEIGHT_DECAY,
    adam_moments,
    check_steps,
    is_bias_or_norm,
    is_by_muon,
    make_config,
    take_step,
    values_in_float64,
)

needs_muon = pytest.mark.skipif(not HAS_MUON, reason="muon needs keras 3.13, so Python 3.11")


def adamw(value, rates, decay):
    """Decoupled decay (Loshchilov and Hutter 2019, algorithm 2).

    Epsilon stands where Kingma and Ba put it at the end of their section 2, as in Keras.
    """
    first, second = np.zeros_like(value), np.zeros_like(value)
    gradient = yield
    for step, rate in enumerate(rates, start=1):
        adam_moments(gradient, first, second)
        correction = np.sqrt(1 - 0.98**step) / (1 - 0.9**step)
        value = value - rate * (decay * value + correction * first / (np.sqrt(second) + 1e-6))
        gradient = yield value


def lamb(value, rates, decay):
    """You et al. 2020, algorithm 2, with the identity as phi.

    What does not decay is not scaled, as in the authors' code.
    """
    first, second = np.zeros_like(value), np.zeros_like(value)
    gradient = yield
    for step, rate in enumerate(rates, start=1):
        adam_moments(gradient, first, second)
        ratio = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.98**step)) + 1e-6)
        if decay:
            ratio = ratio + decay * value
            ratio = ratio * np.linalg.norm(value) / np.linalg.norm(ratio)
        value = value - rate * ratio
        gradient = yield value


def adafactor(value, rates, decay):
    """Shazeer and Stern 2018, algorithms 4 and 5, in sums as printed.

    Relative steps of min(rate, 1 / sqrt(t)); the decay, which the paper lacks, comes first.
    """
    rows, columns = np.zeros((len(value), 1)), np.zeros((1, *value.shape[1:]))
    second = np.zeros_like(value)

    def root_mean_square(x):
        return np.sqrt(np.mean(x**2))

    gradient = yield
    for step, rate in enumerate(rates, start=1):
        value = value - rate * decay * value
        beta_2 = 1 - step**-0.8
        squared = gradient**2 + 1e-30
        if value.ndim == 2:
            rows = beta_2 * rows + (1 - beta_2) * squared @ np.ones((value.shape[1], 1))
            columns = beta_2 * columns + (1 - beta_2) * np.ones((1, len(value))) @ squared
            second = rows @ columns / rows.sum()
        else:
            second = beta_2 * second + (1 - beta_2) * squared
        update = gradient / np.sqrt(second)
        update = update / max(1, root_mean_square(update))
        size = max(1e-3, root_mean_square(value)) * min(rate, step**-0.5)
        value = value - size * update
        gradient = yield value


@pytest.mark.parametrize("reference", [adamw, lamb, adafactor], ids=lambda one: one.__name__)
def test_steps_equal_those_in_numpy(random_pretrainer, reference):
    check_steps(make_config(reference.__name__), random_pretrainer, reference)


def test_relative_biases_have_a_rate_of_their_own(random_pretrainer):
    def is_relative_bias(variable):
        return "relative_position_bias" in variable.path

    assert sum(map(is_relative_bias, random_pretrainer.trainable_variables)) == 1
    config = make_config(relative_bias_rate=3.0)
    rates = [3 * rate for rate in RATES]
    # The steps add up to three times as much, and so does the rounding.
    check_steps(config, random_pretrainer, adamw, rates, atol=9e-6, only=is_relative_bias)
    check_steps(
        config, random_pretrainer, adamw, only=lambda variable: not is_relative_bias(variable)
    )


def test_lamb_steps_from_weights_of_zero(random_pretrainer):
    """Where the norm of the weights or of the step is 0, the ratio is 1."""
    variable = random_pretrainer.backbone.token_embedding.embeddings
    optimizer = make_optimizer(make_config("lamb"), random_pretrainer, total_steps=TOTAL_STEPS)
    variable.assign(np.zeros(variable.shape))
    take_step(optimizer, [np.zeros(variable.shape, "float32")], [variable])
    np.testing.assert_array_equal(variable.numpy(), 0)
    gradient = np.full(variable.shape, 0.5, "float32")
    take_step(optimizer, [gradient], [variable])
    # By hand, after a gradient of 0 and one of 0.5: moments 0.05 / 0.19 and 0.005 / 0.0396.
    step = (0.05 / 0.19) / np.sqrt(0.005 / 0.0396)
    np.testing.assert_allclose(variable.numpy(), -RATES[1] * step, rtol=1e-4)


@needs_muon
def test_muon_makes_the_steps_of_kernels_orthogonal(random_pretrainer):
    """Liu et al. 2025, section 2.2: all singular values near 1, then 0.2 sqrt(max(rows, columns)).

    Five Newton-Schulz iterations with those coefficients bring them to 0.68 to 1.13.
    """
    generator = np.random.default_rng(4)
    variables = list(filter(is_by_muon, random_pretrainer.trainable_variables))
    assert len(variables) == 5
    before = values_in_float64(variables)
    directions, gradients = [], []
    for variable in variables:
        rank = min(variable.shape)
        left, right = (
            np.linalg.qr(generator.normal(size=(size, rank)))[0] for size in variable.shape
        )
        directions.append((left, right))
        gradients.append((left * np.linspace(0.3, 3, rank) @ right.T).astype("float32"))
    config = make_config("muon", weight_decay=0.0)
    optimizer = make_optimizer(config, random_pretrainer, total_steps=TOTAL_STEPS)
    take_step(optimizer, gradients, variables)
    for variable, value, (left, right) in zip(variables, before, directions, strict=True):
        step = (value - variable.numpy()) / (RATES[0] * 0.2 * np.sqrt(max(variable.shape)))
        in_directions = left.T @ step @ right
        singular_values = np.diag(in_directions)
        assert (singular_values > 0.65).all() and (singular_values < 1.2).all(), variable.path
        np.testing.assert_allclose(in_directions, np.diag(singular_values), atol=1e-4)


@needs_muon
def test_muon_leaves_all_but_the_layers_kernels_to_adamw(random_pretrainer):
    check_steps(
        make_config("muon"),
        random_pretrainer,
        adamw,
        only=lambda variable: not is_by_muon(variable),
    )


@pytest.mark.parametrize("name", ["adamw", "adafactor", pytest.param("muon", marks=needs_muon)])
def test_without_gradients_matrices_shrink_and_nothing_else_moves(random_pretrainer, name):
    shrinking = {True: 0, False: 0}
    variables = random_pretrainer.trainable_variables
    before = values_in_float64(variables)
    optimizer = make_optimizer(make_config(name), random_pretrainer, total_steps=TOTAL_STEPS)
    for _ in RATES:
        take_step(
            optimizer, [np.zeros(variable.shape, "float32") for variable in variables], variables
        )
    factor = np.prod([1 - rate * WEIGHT_DECAY for rate in RATES])
    for variable, old in zip(variables, before, strict=True):
        stays = is_bias_or_norm(variable)
        shrinking[not stays] += 1
        if stays:
            np.testing.assert_array_equal(variable.numpy(), old, err_msg=variable.path)
        else:
            np.testing.assert_allclose(
                variable.numpy(), old * factor, rtol=2e-6, err_msg=variable.path
            )
    # Five kernels and biases of the layer, one of the head, its output bias, four layer norms of
    # two weights each, three tables.
    assert shrinking == {True: 9, False: 15}


@pytest.mark.parametrize(
    ("no_weight_decay", "staying"),
    [((), 0), (("embedding",), 3), (("kernel",), 6), (("norm", "embedding"), 11)],
)
def test_roles_named_in_the_config_do_not_decay(random_pretrainer, no_weight_decay, staying):
    variables = random_pretrainer.trainable_variables
    before = [variable.numpy() for variable in variables]
    config = make_config(no_weight_decay=no_weight_decay)
    optimizer = make_optimizer(config, random_pretrainer, total_steps=TOTAL_STEPS)
    take_step(optimizer, [np.zeros(variable.shape, "float32") for variable in variables], variables)
    stayed = [
        (variable.numpy() == old).all() for variable, old in zip(variables, before, strict=True)
    ]
    assert sum(stayed) == staying


@pytest.mark.parametrize("name", NAMES)
def test_variables_have_paths_of_their_own_in_every_process(random_pretrainer, name):
    first, second = (
        make_optimizer(make_config(name), random_pretrainer, total_steps=TOTAL_STEPS)
        for _ in range(2)
    )
    paths = [variable.path for variable in first.variables]
    assert len(set(paths)) == len(paths) > 15
    assert paths == [variable.path for variable in second.variables]


@pytest.mark.parametrize("name", NAMES)
def test_serialisation_keeps_the_optimizer(random_pretrainer, name):
    optimizer = make_optimizer(make_config(name), random_pretrainer, total_steps=TOTAL_STEPS)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(restored) is type(optimizer)
    assert restored.get_config() == optimizer.get_config()


def test_warmup_longer_than_the_run_is_refused(random_pretrainer):
    with pytest.raises(ValueError, match=r"warmup_steps=3, total_steps=3"):
        make_optimizer(make_config(), random_pretrainer, total_steps=3)


def test_muon_of_an_old_keras_is_refused(random_pretrainer, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.12.4")
    with pytest.raises(ValueError, match=r"`name` 'muon' needs keras 3.13 .*Received: keras 3.12"):
        make_optimizer(make_config("muon"), random_pretrainer, total_steps=TOTAL_STEPS)
