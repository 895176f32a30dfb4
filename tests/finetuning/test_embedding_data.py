"""Batches of texts for embedders, against the texts that they were made of."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.data.batches import ReplicaShare
from mpnet_tf.finetuning.embedding_data import (
    contrastive_batches,
    delete_tokens,
    denoising_batches,
    entailment_triples,
    scored_pair_batches,
)
from mpnet_tf.finetuning.labelled_texts import LabelledTexts
from mpnet_tf.models import MPNetTokenizer, TextPacker

WORDS = [f"w{number}" for number in range(60)]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
PAD_TOKEN_ID = 1


@functools.cache
def packer():
    return TextPacker(MPNetTokenizer(VOCABULARY), sequence_length=16)


def texts_of(features):
    """Reads packed texts back, word by word."""
    return [
        " ".join(VOCABULARY[token] for token in row[: mask.sum()][1:-1])
        for row, mask in zip(
            features["token_ids"].numpy(), features["padding_mask"].numpy(), strict=True
        )
    ]


def random_texts(count, seed=0, most_words=9):
    generator = np.random.default_rng(seed)
    return [
        " ".join(generator.choice(WORDS, generator.integers(4, most_words))) for _ in range(count)
    ]


def as_numpy(dataset, count):
    return [tf.nest.map_structure(lambda value: value.numpy(), one) for one in dataset.take(count)]


def assert_equal(found, expected):
    tf.nest.assert_same_structure(found, expected)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_are_the_examples_of_an_epoch():
    columns = [random_texts(10, seed) for seed in range(3)]
    batches = contrastive_batches(columns, packer(), batch_size=5, seed=4)
    rows = set()
    for features, numbers in batches.take(2):
        texts = [texts_of(column) for column in features]
        rows.update(zip(*texts, strict=True))
        # No column of padding that no text needs.
        for column, column_texts in zip(features, texts, strict=True):
            longest = max(len(text.split()) for text in column_texts) + 2
            assert column["token_ids"].shape == (5, longest)
        assert len(set(numbers.numpy().flatten())) == len({text for row in texts for text in row})
    assert rows == set(zip(*columns, strict=True))


def test_batches_are_a_function_of_seed_and_epoch():
    columns = [random_texts(12, seed) for seed in range(2)]
    make = functools.partial(contrastive_batches, columns, packer(), batch_size=4)
    all_batches = as_numpy(make(seed=1), 6)
    assert_equal(as_numpy(make(seed=1, first_epoch=1), 3), all_batches[3:])
    for others in (all_batches[3:], as_numpy(make(seed=2), 3)):
        assert not np.array_equal(others[0][1], all_batches[0][1])


def test_no_text_is_twice_in_a_batch_unless_it_may_be():
    anchors = [text for text in random_texts(10) for _ in range(3)]
    columns = [anchors, random_texts(30, seed=1)]
    for unique_texts in (True, False):
        batches = contrastive_batches(
            columns, packer(), batch_size=6, seed=0, unique_texts=unique_texts
        )
        repeats = [6 - len(set(numbers.numpy()[:, 0])) for _, numbers in batches.take(5)]
        assert any(repeats) != unique_texts


def test_one_text_twice():
    texts = random_texts(8)
    batches = contrastive_batches([texts, texts], packer(), batch_size=4, seed=0)
    (first, second), numbers = next(iter(batches))
    assert texts_of(first) == texts_of(second)
    np.testing.assert_array_equal(numbers[:, 0], numbers[:, 1])


def labelled(labels, count=6):
    return LabelledTexts(
        tuple(random_texts(count)), tuple(random_texts(count, 1)), labels, None, "here"
    )


def test_scores_stay_with_their_pairs():
    examples = labelled((0.0, 1.0, 2.0, 3.0, 4.0, 5.0))
    batches = scored_pair_batches(examples, packer(), batch_size=3, seed=0, largest_score=5.0)
    found = set()
    for (first, second), scores in batches.take(2):
        assert scores.dtype == tf.float32
        found.update(zip(texts_of(first), texts_of(second), scores.numpy().tolist(), strict=True))
    expected = zip(examples.texts, examples.pairs, examples.labels, strict=True)
    assert found == {(one, other, np.float32(score / 5).item()) for one, other, score in expected}


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(word in rest for word in part)


def test_denoising_keeps_order_and_targets():
    texts = random_texts(16)
    settings = {"batch_size": 8, "seed": 0, "pad_token_id": PAD_TOKEN_ID}
    for features, targets, weights in denoising_batches(texts, packer(), **settings).take(2):
        left = texts_of(features)
        whole = np.concatenate([features["decoder_token_ids"][:, :1], targets], axis=1)
        np.testing.assert_array_equal(whole[:, :-1], features["decoder_token_ids"])
        np.testing.assert_array_equal(weights, whole[:, 1:] != PAD_TOKEN_ID)
        # Nothing but padding is cut off, and all padding is.
        assert weights.numpy()[:, -1].any()
        for row, part in zip(whole, left, strict=True):
            text = " ".join(VOCABULARY[token] for token in row if token > 3)
            assert text in texts
            assert is_subsequence(part.split(), text.split())
            assert part


def test_rate_of_deletion():
    generator = np.random.default_rng(0)
    token_ids = np.full((500, 100), 7)
    token_ids[:, 0], token_ids[:, -1] = 0, 2
    features = {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
    features = {name: tf.constant(value) for name, value in features.items()}
    draws = tf.constant(generator.uniform(size=token_ids.shape), tf.float32)
    left = delete_tokens(features, draws, rate=0.6, pad_token_id=PAD_TOKEN_ID)
    mask = left["padding_mask"].numpy()
    # 49,000 draws: the standard deviation of the share is 0.0022.
    assert (mask.sum() - 1000) / 49_000 == pytest.approx(0.4, abs=0.01)
    np.testing.assert_array_equal(left["token_ids"].numpy() == PAD_TOKEN_ID, mask == 0)


def test_deletion_by_hand():
    features = {
        "token_ids": tf.constant([[0, 5, 6, 7, 2, 1], [0, 8, 9, 2, 1, 1], [0, 2, 1, 1, 1, 1]]),
        "padding_mask": tf.constant([[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]]),
    }
    draws = tf.constant([[0.0, 0.9, 0.1, 0.7, 0.0, 0.9], [0.0, 0.2, 0.3, 0.0, 0.9, 0.9], [0.0] * 6])
    left = delete_tokens(features, draws, rate=0.6, pad_token_id=1)
    # Of the second text one token stays, though both draws are below; the third has none.
    expected = [[0, 5, 7, 2, 1, 1], [0, 9, 2, 1, 1, 1], [0, 2, 1, 1, 1, 1]]
    np.testing.assert_array_equal(left["token_ids"], expected)
    np.testing.assert_array_equal(left["padding_mask"].numpy().sum(axis=1), [4, 3, 2])


@pytest.mark.parametrize("kind", ["contrastive", "denoising"])
def test_replicas_share_the_rows_of_the_same_batches(kind):
    # Of one length, so that all replicas cut off as much padding.
    texts = [" ".join(WORDS[first : first + 6]) for first in range(12)]
    if kind == "contrastive":
        make = functools.partial(contrastive_batches, [texts, texts[::-1]], unique_texts=False)
    else:
        make = functools.partial(
            denoising_batches, texts, pad_token_id=PAD_TOKEN_ID, deletion_rate=0.0
        )
    settings = {"batch_size": 6, "seed": 3}
    whole = as_numpy(make(packer(), **settings), 4)
    workers = [
        as_numpy(make(packer(), **settings, share=ReplicaShare(first, count, 3)), 4 * count)
        for first, count in ((0, 2), (2, 1))
    ]
    for number, expected in enumerate(whole):
        parts = [*workers[0][2 * number : 2 * number + 2], workers[1][number]]
        joined = tf.nest.map_structure(lambda *rows: np.concatenate(rows), *parts)
        assert_equal(joined, expected)


def test_deletions_do_not_depend_on_the_replicas():
    texts = random_texts(12)
    settings = {"batch_size": 6, "seed": 3, "pad_token_id": PAD_TOKEN_ID}
    expected = [
        text
        for features, *_ in denoising_batches(texts, packer(), **settings).take(2)
        for text in texts_of(features)
    ]
    share = ReplicaShare(0, 3, 3)
    found = [
        text
        for features, *_ in denoising_batches(texts, packer(), **settings, share=share).take(6)
        for text in texts_of(features)
    ]
    assert found == expected


def test_triples_of_inference():
    rows = [
        ("p", "entailed", "entailment"),
        ("p", "so-so", "neutral"),
        ("q", "alone", "entailment"),
        ("p", "against", "contradiction"),
        ("p", "entailed too", "entailment"),
        ("r", "no", "contradiction"),
    ]
    texts, pairs, labels = zip(*rows, strict=True)
    triples = entailment_triples(LabelledTexts(texts, pairs, labels, None, "here"))
    assert triples == (["p", "p"], ["entailed", "entailed too"], ["against", "against"])


def test_bad_arguments_are_refused():
    texts = random_texts(4)
    settings = {"batch_size": 4, "seed": 0}
    with pytest.raises(ValueError, match=r"two or more of equal length. Received: lengths \[4, 3"):
        contrastive_batches([texts, texts[:3]], packer(), **settings)
    with pytest.raises(ValueError, match=r"from 1 to 4, the number of examples.*batch_size=5"):
        contrastive_batches([texts, texts], packer(), batch_size=5, seed=0)
    with pytest.raises(ValueError, match=r"multiple of 3, the number of replicas.*batch_size=4"):
        contrastive_batches([texts, texts], packer(), **settings, share=ReplicaShare(0, 1, 3))
    with pytest.raises(ValueError, match=r"pairs with scores. Received: those of here"):
        scored_pair_batches(labelled(("a",) * 6), packer(), **settings)
    with pytest.raises(ValueError, match=r"pairs with labels. Received: those of here"):
        entailment_triples(labelled(None))
    with pytest.raises(ValueError, match=r"from 0 to less than 1. Received: 1.0"):
        denoising_batches(texts, packer(), **settings, pad_token_id=1, deletion_rate=1.0)


@pytest.mark.parametrize("kind", ["contrastive", "scored", "denoising"])
def test_unfit_texts_are_refused_or_counted(kind, caplog):
    def make(texts):
        settings = {"batch_size": 2, "seed": 0}
        if kind == "contrastive":
            return contrastive_batches([random_texts(4, 1), texts], packer(), **settings)
        if kind == "denoising":
            return denoising_batches(texts, packer(), **settings, pad_token_id=PAD_TOKEN_ID)
        pairs = LabelledTexts(tuple(random_texts(4, 1)), tuple(texts), (1.0,) * 4, None, "here")
        return scored_pair_batches(pairs, packer(), **settings)

    number = 0 if kind == "denoising" else 1
    with pytest.raises(
        ValueError, match=rf"must not be empty. Received: 2 empty .*column {number}, row 1"
    ):
        make(["w1", " \u3000", "w2", ""])
    assert not caplog.text
    make(["w1 " * 14, "w2 " * 15, "w3", "w4 " * 99])
    total = 4 if kind == "denoising" else 8
    assert [record.getMessage() for record in caplog.records] == [
        f"2 of the {total} texts of the training data are longer than 16 tokens and are cut at the "
        "end."
    ]


def test_a_text_in_place_of_texts_is_refused():
    with pytest.raises(ValueError, match=r"`texts` must be a list of texts. Received: texts='abc'"):
        contrastive_batches(["abc", "def"], packer(), batch_size=2, seed=0)


def test_functions_that_pack_are_not_looked_into(caplog):
    long = ["w1 " * 99] * 4
    denoising_batches(long, lambda texts: packer()(texts), batch_size=2, seed=0, pad_token_id=1)
    assert not caplog.text
