"""Batches of texts and targets, against the slots of scoring and the forward pass in NumPy."""

import keras
import numpy as np
import pytest

from mpnet_tf.finetuning.encoded_sequences import encode_sequences
from mpnet_tf.finetuning.sequence_batches import (
    sequence_evaluation_batches,
    sequence_training_batches,
)
from mpnet_tf.finetuning.sequence_layout import SequenceLayout
from mpnet_tf.finetuning.smoothed_crossentropy import SmoothedCrossentropy
from mpnet_tf.models.blank_filling import continuation_batch
from tests.finetuning.sequence_examples import examples
from tests.models.writing_model import END, START, writing_model


@pytest.fixture(scope="module")
def encoded():
    return encode_sequences(examples(), writing_model(), SequenceLayout("[MASK] w1 {source}"))


def training(encoded, **settings):
    settings = {"batch_size": 8, "seed": 5, "num_epochs": 1, **settings}
    roles = writing_model().preprocessor.roles
    batches, num_steps = sequence_training_batches(encoded, roles, **settings)
    return list(batches), num_steps


@pytest.mark.parametrize("cut", [None, 6])
@pytest.mark.parametrize("pattern", ["{source}", "[MASK] w1 {source}"])
def test_slots_are_those_of_scoring(pattern, cut):
    model = writing_model()
    encoded = encode_sequences(
        examples(), model, SequenceLayout(pattern, source_length=cut and 9, target_length=cut)
    )
    batches = list(sequence_evaluation_batches(encoded, model.preprocessor.roles, batch_size=7))
    order = np.argsort(encoded.lengths, kind="stable")
    for number, (slots, target_ids, target_weights) in enumerate(batches):
        rows = order[7 * number : 7 * number + 7]
        expected_slots, *expected_targets = continuation_batch(
            encoded.blanked_texts(rows),
            [encoded.target_ids[row].numpy().tolist() for row in rows],
            start_token_id=START,
            # Among the targets where they are not cut.
            end_token_id=None,
            pad_token_id=0,
        )
        width, num_predictions = slots["token_ids"].shape[1], target_ids.shape[1]
        assert width == encoded.lengths[rows].max()
        assert slots.keys() == expected_slots.keys()
        for name, values in slots.items():
            expected = expected_slots[name]
            assert values.dtype == expected.dtype
            np.testing.assert_array_equal(values, expected[:, : values.shape[1]], name)
            # That is laid out in wider batches.
            assert not expected[:, values.shape[1] :].any()
        for found, expected in zip((target_ids, target_weights), expected_targets, strict=True):
            np.testing.assert_array_equal(found, expected[:, :num_predictions])
            assert found.dtype == expected.dtype and not expected[:, num_predictions:].any()


def test_the_loss_is_the_negative_score_of_the_model():
    model = writing_model()
    texts = examples(6)
    encoded = encode_sequences(texts, model, SequenceLayout())
    scores = model.score(list(texts.texts), list(texts.pairs))
    ((slots, target_ids, target_weights),) = sequence_evaluation_batches(
        encoded, model.preprocessor.roles, batch_size=6
    )
    scores = scores[np.argsort(encoded.lengths, kind="stable")]
    np.testing.assert_allclose(model.score_slots(slots, target_ids, target_weights), scores, 1e-5)
    num_tokens = [len(text.split()) + 1 for text in texts.pairs]
    expected = -scores.sum() / sum(num_tokens)
    for loss in (SmoothedCrossentropy(0), model_loss()):
        found = loss(target_ids, model(slots), target_weights)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def model_loss():
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )


def test_each_epoch_has_all_examples_in_batches_of_similar_length(encoded):
    batches, num_steps = training(encoded, num_epochs=2)
    assert num_steps == 5 and len(batches) == 10
    expected = sorted(map(tuple, encoded.target_ids.to_list()))
    for epoch in (batches[:5], batches[5:]):
        targets = [
            tuple(row[weights > 0].tolist())
            for _, target_ids, target_weights in epoch
            for row, weights in zip(target_ids.numpy(), target_weights.numpy(), strict=True)
        ]
        assert sorted(targets) == expected
        num_slots = sum(slots["token_ids"].numpy().size for slots, _, _ in epoch)
        assert num_slots < 1.3 * encoded.lengths.sum() < 1.3 * encoded.lengths.max() * 40
    assert END in batches[0][1].numpy()


def test_batches_follow_from_the_seed(encoded):
    def token_ids(**settings):
        return [
            slots["token_ids"].numpy().tolist() for slots, _, _ in training(encoded, **settings)[0]
        ]

    first = token_ids(num_epochs=2)
    assert first == token_ids(num_epochs=2) and first[:5] == token_ids()
    assert first[:5] != first[5:] and first[:5] != token_ids(seed=6)
