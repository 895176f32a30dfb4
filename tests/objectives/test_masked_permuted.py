"""Properties of MPNet's objective on random packed rows."""

import collections

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from mpnet_tf.objectives import MaskedPermuted
from tests.rows import END, PAD, START, pack_rows, random_documents, token_roles

ROLES = token_roles()
SEQUENCE_LENGTH = 64
BATCH_SIZE = 4


def make_rows(seed, sequence_length=SEQUENCE_LENGTH, batch_size=BATCH_SIZE):
    generator = np.random.default_rng(seed)
    documents = [
        random_documents(generator, sequence_length, roles=ROLES) for _ in range(batch_size)
    ]
    return pack_rows(documents, sequence_length)


@pytest.fixture(scope="module")
def objectives():
    """Traced objectives of a few settings."""
    settings = {
        "word": {},
        "token": {"granularity": "token"},
        "ngram": {"max_gram": 3},
        "original": {"predict_special_tokens": True},
    }
    made = {
        # Rows that are not packed by what they predict need some places more.
        name: MaskedPermuted(ROLES, SEQUENCE_LENGTH, num_predictions=11, **arguments)
        for name, arguments in settings.items()
    }
    return {name: (objective, tf.function(objective)) for name, objective in made.items()}


def run(objectives, name, rows, seed):
    objective, call = objectives[name]
    slots, target_ids, target_weights = call(
        {key: tf.constant(value) for key, value in rows.items()}, tf.constant(seed)
    )
    slots = {key: value.numpy() for key, value in slots.items()}
    return objective, slots, target_ids.numpy(), target_weights.numpy() > 0


def predicted_places(rows, slots, real, row):
    """The predictions of a row, as `(segment, position)` in order."""
    queries = slots["prediction_slots"][row][real[row]]
    return [
        (int(slots["segment_ids"][row, query]), int(slots["position_ids"][row, query]))
        for query in queries
    ]


def words_of(rows, row):
    """Splits a row into words: lists of `(segment, position)` that start at a word's first."""
    words = []
    for place, token in enumerate(rows["token_ids"][row]):
        at = (int(rows["segment_ids"][row, place]), int(rows["position_ids"][row, place]))
        if at[0] == 0 or ROLES.is_special[token]:
            continue
        continues = ROLES.is_continuation[token] and words and words[-1][-1] == (at[0], at[1] - 1)
        if continues:
            words[-1].append(at)
        else:
            words.append([at])
    return words


seeds = strategies.tuples(strategies.integers(0, 2**31 - 1), strategies.integers(0, 2**31 - 1))


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(seed=seeds, name=strategies.sampled_from(["word", "token", "ngram", "original"]))
def test_predictions_are_tokens_of_the_row_each_once(objectives, seed, name):
    rows = make_rows(seed[0])
    _, slots, target_ids, real = run(objectives, name, rows, seed)
    for row in range(BATCH_SIZE):
        places = predicted_places(rows, slots, real, row)
        assert len(set(places)) == len(places)
        token_at = {
            (int(segment), int(position)): int(token)
            for token, position, segment in zip(
                rows["token_ids"][row],
                rows["position_ids"][row],
                rows["segment_ids"][row],
                strict=True,
            )
            if segment
        }
        assert [token_at[place] for place in places] == target_ids[row][real[row]].tolist()
        assert (target_ids[row][~real[row]] == PAD).all()


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(seed=seeds)
def test_steps_number_the_predictions_of_each_document(objectives, seed):
    """Steps of a document's queries are a permutation's ranks: 0, 1, 2, ... each once."""
    rows = make_rows(seed[0])
    _, slots, _, real = run(objectives, "word", rows, seed)
    for row in range(BATCH_SIZE):
        steps = collections.defaultdict(list)
        for query in slots["prediction_slots"][row][real[row]]:
            steps[int(slots["segment_ids"][row, query])].append(
                int(slots["query_step"][row, query])
            )
        for document_steps in steps.values():
            assert document_steps == list(range(len(document_steps)))


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(seed=seeds)
def test_each_document_predicts_its_share_in_whole_words(objectives, seed):
    rows = make_rows(seed[0])
    _, slots, _, real = run(objectives, "word", rows, seed)
    for row in range(BATCH_SIZE):
        predicted = set(predicted_places(rows, slots, real, row))
        words_by_segment = collections.defaultdict(list)
        for word in words_of(rows, row):
            words_by_segment[word[0][0]].append(word)
        for words in words_by_segment.values():
            num_tokens = sum(len(word) for word in words)
            wanted = max(1, int(0.15 * num_tokens + 0.5))
            touched = [word for word in words if predicted.intersection(word)]
            chosen = sum(len(predicted.intersection(word)) for word in words)
            assert 1 <= chosen <= wanted
            if all(predicted.issuperset(word) for word in touched):
                # Short of the share only where no further word fits.
                rest = [len(word) for word in words if not predicted.intersection(word)]
                assert chosen == wanted or min(rest) > wanted - chosen
            else:
                # A word is cut only where every word is longer than the share.
                assert len(touched) == 1 and chosen == wanted
                assert min(len(word) for word in words) > wanted or len(touched[0]) > wanted


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(seed=seeds)
def test_single_tokens_meet_the_share_exactly(objectives, seed):
    rows = make_rows(seed[0])
    _, slots, _, real = run(objectives, "token", rows, seed)
    for row in range(BATCH_SIZE):
        segments = rows["segment_ids"][row]
        predicted = collections.Counter(
            segment for segment, _ in predicted_places(rows, slots, real, row)
        )
        for segment in range(1, segments.max() + 1):
            num_tokens = int((segments == segment).sum()) - 2
            assert predicted[segment] == max(1, int(0.15 * num_tokens + 0.5))


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(seed=seeds, name=strategies.sampled_from(["word", "token", "ngram"]))
def test_specials_and_padding_are_never_predicted(objectives, seed, name):
    rows = make_rows(seed[0])
    _, _, target_ids, real = run(objectives, name, rows, seed)
    assert not ROLES.is_special[target_ids[real]].any()


def test_specials_are_predicted_when_asked(objectives):
    seen = set()
    for number in range(30):
        rows = make_rows(number)
        _, _, target_ids, real = run(objectives, "original", rows, (1, number))
        seen.update(target_ids[real].tolist())
    assert {START, END} <= seen and PAD not in seen


def test_ngrams_cover_each_length_alike():
    """With max_gram 3 each length covers a third of the words, so units are drawn 6 : 3 : 2."""
    from mpnet_tf.objectives.prediction_units import unit_starts

    shape = (200, 600)
    candidates = tf.ones(shape, tf.bool)
    starts = unit_starts(
        tf.ones(shape, tf.int32),
        tf.constant(np.random.default_rng(3).integers(-(2**31), 2**31, shape), tf.int32),
        candidates=candidates,
        continues=tf.zeros_like(candidates),
        granularity="token",
        max_gram=3,
    ).numpy()
    lengths = np.concatenate([np.diff(np.flatnonzero(row)) for row in starts])
    shares = np.bincount(lengths, minlength=4)[1:] / len(lengths)
    assert lengths.max() == 3
    np.testing.assert_allclose(shares, np.array([6, 3, 2]) / 11, atol=0.01)


def test_ngrams_end_at_what_is_not_predicted():
    """No unit runs over a special token: what follows one begins a unit."""
    from mpnet_tf.objectives.prediction_units import unit_starts

    generator = np.random.default_rng(4)
    candidates = generator.random((50, 60)) < 0.8
    starts = unit_starts(
        tf.ones(candidates.shape, tf.int32),
        tf.constant(generator.integers(-(2**31), 2**31, candidates.shape), tf.int32),
        candidates=tf.constant(candidates),
        continues=tf.constant(generator.random(candidates.shape) < 0.3),
        granularity="word",
        max_gram=3,
    ).numpy()
    begins_run = candidates & ~np.pad(candidates, [(0, 0), (1, 0)])[:, :-1]
    assert starts[begins_run].all() and not starts[~candidates].any()
    assert starts.sum() < candidates.sum()


def test_stand_ins_are_8_to_1_to_1():
    objective = MaskedPermuted(ROLES, 512)
    call = tf.function(objective)
    rows = {key: tf.constant(value) for key, value in make_rows(5, 512, 64).items()}
    masks = randoms = keeps = 0
    for number in range(60):
        slots, target_ids, target_weights = call(rows, tf.constant([11, number]))
        real = target_weights.numpy() > 0
        target_ids = target_ids.numpy()[real]
        queries = slots["token_ids"].numpy()[:, objective.num_content_slots :][real]
        contents = slots["token_ids"].numpy()[:, 512 : objective.num_content_slots][real]
        assert (queries == contents).all()
        assert not ROLES.is_special[queries[queries != ROLES.mask_token_id]].any()
        masks += (queries == ROLES.mask_token_id).sum()
        keeps += (queries == target_ids).sum()
        randoms += ((queries != ROLES.mask_token_id) & (queries != target_ids)).sum()
    total = masks + keeps + randoms
    assert total > 200_000
    # A random token is the token itself once in 95; four standard errors are 0.0036 and 0.0027.
    by_chance = 0.1 / len(ROLES.text_token_ids)
    assert abs(masks / total - 0.8) < 0.0036
    assert abs(keeps / total - 0.1 - by_chance) < 0.0027
    assert abs(randoms / total - 0.1 + by_chance) < 0.0027


def test_selection_and_order_are_uniform():
    """Of five one-token words two are predicted: each ordered pair should come alike often."""
    roles = token_roles(num_continuations=0)
    objective = MaskedPermuted(roles, 7, prediction_rate=0.4, num_predictions=2)
    rows = pack_rows([[[10, 11, 12, 13, 14]]] * 500, 7)
    rows = {key: tf.constant(value) for key, value in rows.items()}
    call = tf.function(objective)
    counts = collections.Counter()
    for number in range(20):
        _, target_ids, _ = call(rows, tf.constant([2, number]))
        counts.update(map(tuple, target_ids.numpy().tolist()))
    assert len(counts) == 20
    # Chi-square over 20 pairs, 10,000 draws: 45 is passed once in a thousand.
    expected = 10_000 / 20
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 45


def test_same_seed_same_slots_in_and_out_of_a_dataset(objectives):
    rows = make_rows(9)
    _, eager, _, _ = run(objectives, "word", rows, (4, 5))
    objective, _ = objectives["word"]
    dataset = tf.data.Dataset.from_tensors(rows).map(
        lambda row: objective(row, tf.constant([4, 5]))
    )
    slots, _, _ = next(iter(dataset))
    for name, value in eager.items():
        np.testing.assert_array_equal(slots[name], value)
    _, other, _, _ = run(objectives, "word", rows, (4, 6))
    assert any((other[name] != eager[name]).any() for name in eager)


def test_rows_with_more_predictions_than_places_are_refused():
    objective = MaskedPermuted(ROLES, 30, num_predictions=4)
    rows = pack_rows([[[10]] * 10], 30)
    with pytest.raises(tf.errors.InvalidArgumentError, match="more tokens than"):
        objective({key: tf.constant(value) for key, value in rows.items()}, tf.constant([0, 0]))


def test_places_needed_keeps_every_row_within_its_places():
    """Whatever documents share a row by `places_needed`, their predictions fit."""
    objective = MaskedPermuted(ROLES, 64)
    lengths = np.arange(1, 63)
    places = objective.places_needed(lengths)
    counts = objective.num_predicted(lengths)
    assert (places >= lengths + 2).all()
    most = np.zeros(65, int)
    for size in range(1, 65):
        fitting = places <= size
        if fitting.any():
            most[size] = max(counts[fitting] + most[size - places[fitting]])
    assert most[64] <= objective.num_predictions


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prediction_rate": 0.0}, "`prediction_rate` must lie between 0 and 1.*=0.0"),
        ({"prediction_rate": 1.0}, "`prediction_rate` must lie between 0 and 1.*=1.0"),
        ({"mask_rate": 0.9, "random_rate": 0.2}, "must not be negative nor exceed 1"),
        ({"mask_rate": -0.1}, "must not be negative nor exceed 1"),
        ({"granularity": "letter"}, "`granularity` must be one of.*'letter'"),
        ({"max_gram": 0}, "`max_gram` must be at least 1.*=0"),
        ({"num_predictions": 5}, "`num_predictions` must be at least 9.*=5"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MaskedPermuted(ROLES, 64, **settings)


def test_short_rows_are_refused():
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 3.*=2"):
        MaskedPermuted(ROLES, 2)
