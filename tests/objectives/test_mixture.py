"""Several objectives in one run: shares, static layout, and each row as its objective has it."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives import Causal, Masked, MaskedPermuted, Mixture, Permuted
from mpnet_tf.objectives.visibility import visible_slots
from tests.rows import pack_rows, random_documents, token_roles

ROLES = token_roles()
SEQUENCE_LENGTH = 64
BATCH_SIZE = 60


def mixture():
    parts = [
        MaskedPermuted(ROLES, SEQUENCE_LENGTH, mask_rate=1.0, random_rate=0.0),
        Causal(ROLES, SEQUENCE_LENGTH),
        Masked(ROLES, SEQUENCE_LENGTH, mask_rate=1.0, random_rate=0.0),
    ]
    return Mixture(parts, [0.5, 0.25, 0.25])


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(1)
    documents = [random_documents(generator, SEQUENCE_LENGTH, roles=ROLES) for _ in range(60)]
    return pack_rows(documents, SEQUENCE_LENGTH)


@pytest.fixture(scope="module")
def batch(rows):
    slots, target_ids, target_weights = mixture()(rows, tf.constant([2, 3]))
    slots = {name: value.numpy() for name, value in slots.items()}
    return slots, target_ids.numpy(), target_weights.numpy() > 0


def test_shapes_are_static_and_fit_every_objective(rows):
    objective = mixture()
    assert objective.names == ("mpnet", "clm", "mlm")
    dataset = tf.data.Dataset.from_tensors(rows).map(lambda row: objective(row, [4, 5]))
    slots, target_ids, target_weights = dataset.element_spec
    # MPNet's 64 tokens, 9 masks and 9 queries; causal language modelling's 63 predictions.
    for name in ("token_ids", "position_ids", "block_position_ids", "segment_ids", "query_step"):
        assert slots[name].shape == (60, 82)
    for name in ("key_start", "key_end"):
        assert slots[name].shape == (60, 73)
    for spec in (slots["prediction_slots"], slots["objective_ids"], target_ids, target_weights):
        assert spec.shape == (60, 63)


def test_each_row_is_one_objectives(rows, batch):
    """By the definitions: what predicts, what it stands for, and how much it sees."""
    slots, target_ids, real = batch
    visible = np.asarray(visible_slots(slots))
    seen = set()
    for row in range(BATCH_SIZE):
        (objective,) = set(slots["objective_ids"][row][real[row]].tolist())
        seen.add(objective)
        places = slots["prediction_slots"][row][real[row]]
        text, targets = rows["token_ids"][row], target_ids[row][real[row]]
        segments, positions = slots["segment_ids"][row], slots["position_ids"][row]
        starts = {segment: np.argmax(rows["segment_ids"][row] == segment) for segment in segments}
        for place, target in zip(places, targets, strict=True):
            text_place = starts[segments[place]] + positions[place]
            num_visible = visible[row, place].sum()
            length = (rows["segment_ids"][row] == segments[place]).sum()
            if objective == 0:  # MPNet: from a query slot, with the whole document in sight
                assert place >= 73 and target == text[text_place] and num_visible == length
            elif objective == 1:  # causal: the token behind, from those up to here
                assert place < 64 and target == text[text_place + 1]
                assert num_visible == positions[place] + 1
            else:  # MLM: in its own place, with the whole document in sight
                assert place < 64 and target == text[text_place] and num_visible == length
        if objective != 0:
            # The rest of the layout is padding, which nothing sees.
            assert (segments[64:] == 0).all() and not visible[row, :, 64:].any()
            assert (slots["token_ids"][row, 64:] == ROLES.pad_token_id).all()
    assert seen == {0, 1, 2}


def test_rows_get_objectives_by_their_weights(rows):
    objective = mixture()
    call = tf.function(objective)
    counts = collections.Counter()
    for number in range(200):
        slots, _, weights = call(rows, tf.constant([6, number]))
        first = np.argmax(weights.numpy(), axis=1)
        counts.update(slots["objective_ids"].numpy()[np.arange(BATCH_SIZE), first].tolist())
    # Chi-square of three shares, 12,000 rows: 13.8 is passed once in a thousand.
    expected = {0: 6000, 1: 3000, 2: 3000}
    assert sum((counts[key] - share) ** 2 / share for key, share in expected.items()) < 13.8


def test_same_seed_same_batch(rows, batch):
    slots, target_ids, _ = mixture()(rows, tf.constant([2, 3]))
    np.testing.assert_array_equal(target_ids, batch[1])
    for name, value in batch[0].items():
        np.testing.assert_array_equal(slots[name], value)
    _, other, _ = mixture()(rows, tf.constant([2, 4]))
    assert (other.numpy() != batch[1]).any()


def test_losses_with_one_name_are_one(rows):
    """MPNet's joint MLM loss and MLM itself report together."""
    objective = Mixture(
        [MaskedPermuted(ROLES, 64, mlm_loss_weight=0.5), Masked(ROLES, 64)], [0.5, 0.5]
    )
    assert objective.names == ("mpnet", "mlm")
    slots, _, weights = objective(rows, tf.constant([7, 8]))
    ids, weights = slots["objective_ids"].numpy(), weights.numpy()
    assert set(weights[ids == 0].tolist()) == {0.0, 1.0}
    assert set(weights[ids == 1].tolist()) == {0.0, 0.5, 1.0}


def test_rows_fit_whatever_objective_they_get():
    parts = [Permuted(ROLES, 64), Causal(ROLES, 64)]
    lengths = np.arange(1, 63)
    needed = Mixture(parts, [0.9, 0.1]).places_needed(lengths)
    assert (needed >= lengths + 2).all() and needed[0] > 3


@pytest.mark.parametrize("weights", [[0.5, 0.4], [1.0, 0.0], [1.5, -0.5], [1.0], [0.5, 0.25, 0.25]])
def test_weights_that_are_no_shares_are_refused(weights):
    parts = [Masked(ROLES, 64), Causal(ROLES, 64)]
    with pytest.raises(ValueError, match=r"`weights` must be 2 positive numbers that sum to 1\."):
        Mixture(parts, weights)


def test_objectives_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"of one length\. Received: sequence_length=64, 32"):
        Mixture([Masked(ROLES, 64), Masked(ROLES, 32)], [0.5, 0.5])
