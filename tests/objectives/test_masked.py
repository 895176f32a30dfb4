"""Masked language modelling: what is hidden, what stands in, and how it is chosen."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from mpnet_tf.objectives import Masked
from mpnet_tf.objectives.visibility import visible_slots
from tests.rows import pack_rows, random_documents, token_roles

ROLES = token_roles()
SEQUENCE_LENGTH = 96
BATCH_SIZE = 4


def make_rows(number, sequence_length=SEQUENCE_LENGTH, batch_size=BATCH_SIZE):
    generator = np.random.default_rng(number)
    rows = [random_documents(generator, sequence_length, roles=ROLES) for _ in range(batch_size)]
    return pack_rows(rows, sequence_length)


@pytest.fixture(scope="module")
def objectives():
    """Objectives by name, each as a compiled function: tracing them takes a second."""
    settings = {
        "count": {},
        "bernoulli": {"selection": "bernoulli"},
        "bernoulli ngrams": {"selection": "bernoulli", "max_gram": 3},
    }
    made = {name: Masked(ROLES, SEQUENCE_LENGTH, **values) for name, values in settings.items()}
    return {name: tf.function(objective) for name, objective in made.items()}


seeds = strategies.tuples(strategies.integers(0, 2**31 - 1), strategies.integers(0, 2**31 - 1))


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(
    seed=seeds, name=strategies.sampled_from(["count", "bernoulli", "bernoulli ngrams"])
)
def test_targets_put_back_give_the_row(objectives, seed, name):
    rows = make_rows(seed[0])
    slots, target_ids, target_weights = objectives[name](rows, tf.constant(seed))
    real = target_weights.numpy() > 0
    restored = slots["token_ids"].numpy().copy()
    for row in range(BATCH_SIZE):
        places = slots["prediction_slots"].numpy()[row][real[row]]
        assert len(set(places.tolist())) == len(places)
        assert (np.diff(places) > 0).all()
        restored[row, places] = target_ids.numpy()[row][real[row]]
        # Nothing else was touched.
        others = np.setdiff1d(np.arange(SEQUENCE_LENGTH), places)
        np.testing.assert_array_equal(
            slots["token_ids"].numpy()[row, others], rows["token_ids"][row, others]
        )
    np.testing.assert_array_equal(restored, rows["token_ids"])
    assert not ROLES.is_special[target_ids.numpy()[real]].any()
    for name in ("position_ids", "segment_ids"):
        np.testing.assert_array_equal(slots[name], rows[name])


def test_everything_sees_everything_of_its_document(objectives):
    rows = make_rows(3)
    slots, _, _ = objectives["count"](rows, tf.constant([1, 2]))
    visible = np.asarray(visible_slots(slots))
    segments = rows["segment_ids"]
    expected = (segments[:, :, np.newaxis] == segments[:, np.newaxis, :]) & (
        segments[:, np.newaxis, :] > 0
    )
    np.testing.assert_array_equal(visible, expected)


def drawn_words(objective, rows, num_batches):
    """Tells for each word of each batch whether it was predicted: whole, never in part."""
    call = tf.function(objective)
    draws = []
    for number in range(num_batches):
        slots, _, weights = call(rows, tf.constant([5, number]))
        predicted = np.zeros(rows["token_ids"].shape, bool)
        for row, (places, real) in enumerate(
            zip(slots["prediction_slots"].numpy(), weights.numpy() > 0, strict=True)
        ):
            predicted[row, places[real]] = True
        draws.append(predicted)
    return np.array(draws)


def test_bernoulli_draws_each_word_by_itself():
    """Words of one and two tokens: rate, whole words, and no dependence between neighbours."""
    roles = token_roles()
    word, continuation = 10, np.flatnonzero(roles.is_continuation)[0]
    text = [word, word, continuation, word, word, continuation] * 10
    rows = pack_rows([[text]] * 50, 62)
    objective = Masked(roles, 62, selection="bernoulli", num_predictions=62)
    draws = drawn_words(objective, rows, 40).reshape(-1, 62)[:, 1:-1].reshape(-1, 10, 6)
    np.testing.assert_array_equal(draws[:, :, 1], draws[:, :, 2])
    np.testing.assert_array_equal(draws[:, :, 4], draws[:, :, 5])
    words = draws[:, :, [0, 1, 3, 4]].reshape(-1, 40)
    # 80,000 draws at 0.15: four standard errors are 0.005.
    assert abs(words.mean() - 0.15) < 0.005
    pairs = (words[:, 1:] & words[:, :-1]).mean()
    assert abs(pairs - 0.15**2) < 0.003
    # The number in a row varies as the binomial distribution's: 40 * 0.15 * 0.85 = 5.1.
    assert 4.6 < words.sum(axis=1).var() < 5.6


def test_bernoulli_leaves_out_what_has_no_place():
    rows = make_rows(7)
    objective = Masked(ROLES, SEQUENCE_LENGTH, selection="bernoulli", num_predictions=15)
    drawn = [
        objective(rows, tf.constant([8, number]))[2].numpy().sum(axis=1) for number in range(60)
    ]
    # About 12 a row are drawn on average, now and then more than 15.
    assert np.max(drawn) == 15 and np.mean(np.array(drawn) == 15) > 0.08


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"selection": "sometimes"}, "`selection` must be one of.*'sometimes'"),
        (
            {"selection": "bernoulli", "num_predictions": 8},
            "`num_predictions` must be at least 9.*=8",
        ),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Masked(ROLES, 64, **settings)
