"""Batches of texts of similar length."""

import hypothesis
import numpy as np
from hypothesis import strategies

from mpnet_tf.finetuning.encoded_texts import EncodedTexts
from mpnet_tf.finetuning.text_batches import evaluation_batches, plan_by_length, training_batches
from mpnet_tf.models import MPNetTextPreprocessor, MPNetTokenizer
from tests.tiny_run import VOCABULARY, WORDS


@hypothesis.given(
    num_examples=strategies.integers(1, 3000),
    batch_size=strategies.integers(1, 40),
    seed=strategies.integers(0, 5),
    epoch=strategies.integers(0, 3),
)
@hypothesis.settings(max_examples=60, deadline=None)
def test_each_example_is_in_one_batch(num_examples, batch_size, seed, epoch):
    lengths = np.random.default_rng(seed).integers(1, 60, num_examples)
    plan = plan_by_length(lengths, batch_size=batch_size, seed=seed, epoch=epoch)
    assert sorted(np.concatenate(plan).tolist()) == list(range(num_examples))
    sizes = sorted(map(len, plan), reverse=True)
    assert all(size == batch_size for size in sizes[:-1])
    again = plan_by_length(lengths, batch_size=batch_size, seed=seed, epoch=epoch)
    assert all(map(np.array_equal, plan, again))


def test_epochs_and_seeds_differ_and_padding_is_small():
    lengths = np.random.default_rng(7).geometric(0.08, 4000)
    plans = [
        plan_by_length(lengths, batch_size=32, seed=seed, epoch=epoch)
        for seed, epoch in ((1, 0), (1, 1), (2, 0))
    ]
    assert not np.array_equal(plans[0][0], plans[1][0])
    assert not np.array_equal(plans[0][0], plans[2][0])

    def padded(plan):
        return sum(len(batch) * lengths[batch].max() for batch in plan) / lengths.sum()

    random = np.random.default_rng(0).permutation(4000).reshape(-1, 32)
    assert padded(random) > 3 > 1.25 > padded(plans[0])


def encoded(num_examples):
    generator = np.random.default_rng(5)
    counts = generator.integers(1, 12, num_examples)
    texts = tuple(" ".join(generator.choice(WORDS, count)) for count in counts)
    return EncodedTexts((texts,), np.arange(num_examples, dtype=np.int32), counts)


def test_batches_hold_the_texts_with_their_targets():
    examples = encoded(50)
    tokenizer = MPNetTokenizer(VOCABULARY)
    preprocessor = MPNetTextPreprocessor(tokenizer, sequence_length=16, pad_to="longest")
    weights = np.linspace(0, 1, 50)
    batches, num_steps = training_batches(
        examples, preprocessor, batch_size=8, seed=3, num_epochs=2, weights=weights
    )
    batches = list(batches)
    assert num_steps == 7 and len(batches) == 14
    for first in (0, 7):
        epoch = batches[first : first + 7]
        targets = np.concatenate([targets for _, targets, _ in epoch])
        assert sorted(targets.tolist()) == list(range(50))
    for inputs, targets, own_weights in batches:
        longest = max(examples.lengths[targets]) + 2
        assert inputs["token_ids"].shape == (len(targets), longest)
        np.testing.assert_allclose(own_weights, weights[targets], rtol=1e-6)
        for row, target in zip(inputs["token_ids"].numpy(), targets.numpy(), strict=True):
            text = examples.columns[0][target]
            assert row[: examples.lengths[target] + 2].tolist() == [
                tokenizer.start_token_id,
                *tokenizer(text).numpy(),
                tokenizer.end_token_id,
            ]


def test_evaluation_tells_whose_rows_are_whose():
    examples = encoded(21)
    tokenizer = MPNetTokenizer(VOCABULARY)
    preprocessor = MPNetTextPreprocessor(tokenizer, sequence_length=16, pad_to="longest")
    batches, order = evaluation_batches(examples, preprocessor, batch_size=4)
    counts = np.concatenate([inputs["padding_mask"].numpy().sum(axis=1) for inputs in batches])
    np.testing.assert_array_equal(counts, examples.lengths[order] + 2)
    assert sorted(order.tolist()) == list(range(21))
