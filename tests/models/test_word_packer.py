"""`WordPacker` against `transformers` with `is_split_into_words=True`."""

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import BertTokenizer, MPNetTokenizer
from mpnet_tf.models.word_packer import WordPacker, best_first_pieces
from tests.models.wordpiece_reference import sampled_lines

BERTS = ["[PAD]", "[UNK]", "ab", "##c", "d", "-", "[CLS]", "[SEP]", "[MASK]"]


def ragged(rows, dtype=tf.string):
    values = tf.constant([value for row in rows for value in row], dtype)
    return tf.RaggedTensor.from_row_lengths(values, [len(row) for row in rows])


def arrays(tensors):
    return {name: value.numpy() for name, value in tensors.items()}


@pytest.fixture(scope="module")
def word_lists(shared_data):
    lists = [line.split(" ") for line in sampled_lines(shared_data)[::9]]
    lists[:4] = [["\0", "[SEP]a", "\u200b", "e\u0301-x"], [], ["\0"], ["<mask>", " ", "", "a b"]]
    return lists


@pytest.mark.parametrize(("length", "stride"), [(128, 0), (16, 5)])
def test_real_rows_are_those_of_transformers(tokenizers_of_kind, word_lists, length, stride):
    tokenizer, theirs = tokenizers_of_kind
    expected = theirs(
        word_lists,
        is_split_into_words=True,
        truncation=True,
        max_length=length,
        stride=stride,
        return_overflowing_tokens=True,
        padding="max_length",
        return_tensors="np",
    )
    labels = [[index * 7 % 5 for index in range(len(words))] for words in word_lists]
    packer = WordPacker(tokenizer, length, stride)
    inputs, places = map(arrays, packer(ragged(word_lists)))
    names = {"token_ids": "input_ids", "padding_mask": "attention_mask"}
    if tokenizer.has_segment_ids:
        names["segment_ids"] = "token_type_ids"
    assert set(inputs) == set(names)
    for name, value in inputs.items():
        np.testing.assert_array_equal(value, expected[names[name]], name)
    texts = expected["overflow_to_sample_mapping"].tolist()
    assert places["text_index"].tolist() == texts
    word_ids = [expected.word_ids(row) for row in range(len(texts))]
    found = [[None if one < 0 else one for one in row] for row in places["word_index"].tolist()]
    assert found == word_ids

    # As in the token classification example of `transformers`, but that a window may begin within a
    # word.
    labelled_inputs, row_labels, weights = packer.labelled(
        ragged(word_lists), ragged(labels, tf.int32)
    )
    np.testing.assert_array_equal(labelled_inputs["token_ids"], inputs["token_ids"])
    seen, expected_labels = set(), []
    for row, text in enumerate(texts):
        begins_within = row > 0 and texts[row - 1] == text and begins_in_word(word_ids, row, stride)
        previous = word_ids[row][1] if begins_within else None
        line = []
        for word in word_ids[row]:
            is_first = word is not None and word != previous
            line.append(labels[text][word] if is_first else None)
            if word is not None:
                previous = word
                seen.add((text, word))
        expected_labels.append(line)
    found = [
        [label if weight else None for label, weight in zip(*row, strict=True)]
        for row in zip(row_labels.numpy().tolist(), weights.numpy().tolist(), strict=True)
    ]
    assert found == expected_labels
    assert not row_labels.numpy()[weights.numpy() == 0].any()

    # Every word with tokens is found in one window.
    rows, columns = best_first_pieces(places)
    pairs = list(
        zip(
            places["text_index"][rows].tolist(),
            places["word_index"][rows, columns].tolist(),
            strict=True,
        )
    )
    assert len(pairs) == len(set(pairs)) and set(pairs) == seen


def begins_in_word(word_ids, row, stride):
    """Whether the first token of a window goes on with the word of the token before it."""
    before = [word for word in word_ids[row - 1] if word is not None]
    return before[len(before) - stride - 1] == word_ids[row][1]


def test_rows_by_hand():
    words = [["abc", "\0", "D-d", "zz"], ["d"], [], ["d"] * 5]
    labels = [[3, 4, 1, 2], [5], [], [1, 2, 3, 4, 5]]
    packer = WordPacker(BertTokenizer(BERTS), 6, stride=2)
    inputs, places = map(arrays, packer(ragged(words)))
    cls, sep, unk, ab, c, d, dash = 6, 7, 1, 2, 3, 4, 5
    assert inputs["token_ids"].tolist() == [
        [cls, ab, c, d, dash, sep],
        [cls, d, dash, d, unk, sep],
        [cls, d, sep, 0, 0, 0],
        [cls, sep, 0, 0, 0, 0],
        [cls, d, d, d, d, sep],
        [cls, d, d, d, sep, 0],
    ]
    assert inputs["padding_mask"].sum(axis=1).tolist() == [6, 6, 3, 2, 6, 5]
    assert not inputs["segment_ids"].any()
    assert places["text_index"].tolist() == [0, 0, 1, 2, 3, 3]
    assert places["word_index"].tolist()[:2] == [[-1, 0, 0, 2, 2, -1], [-1, 2, 2, 2, 3, -1]]
    assert places["cut_distances"].tolist() == [
        [-1, 3, 2, 1, 0, -1],
        [-1, 0, 1, 2, 3, -1],
        [-1, 6, -1, -1, -1, -1],
        [-1] * 6,
        [-1, 3, 2, 1, 0, -1],
        [-1, 0, 1, 2, -1, -1],
    ]
    _, found, weights = packer.labelled(ragged(words), ragged(labels, tf.int64))
    assert found.numpy().tolist() == [
        [0, 3, 0, 1, 0, 0],
        [0, 1, 0, 0, 2, 0],
        [0, 5, 0, 0, 0, 0],
        [0] * 6,
        [0, 1, 2, 3, 4, 0],
        [0, 3, 4, 5, 0, 0],
    ]
    np.testing.assert_array_equal(weights, found != 0)
    rows, columns = best_first_pieces(places)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [
        *((0, 1), (0, 3), (1, 4)),
        (2, 1),
        *((4, 1), (4, 2), (4, 3), (5, 2), (5, 3)),
    ]


def test_eager_and_tf_data_agree():
    packer = WordPacker(BertTokenizer(BERTS), 5, has_segment_ids=False)
    columns = (
        ragged([["abc", "d"], [], ["d", "d", "ab", "-"]]),
        ragged([[1, 2], [], [3] * 4], tf.int32),
    )
    inputs, labels, weights = packer.labelled(*columns)
    assert set(inputs) == {"token_ids", "padding_mask"}
    dataset = tf.data.Dataset.from_tensors(columns).map(packer.labelled)
    ((found_inputs, found_labels, found_weights),) = dataset
    for name, value in inputs.items():
        np.testing.assert_array_equal(found_inputs[name], value)
    np.testing.assert_array_equal(found_labels, labels)
    np.testing.assert_array_equal(found_weights, weights)
    empty, places = packer(ragged([]))
    assert empty["token_ids"].shape == places["word_index"].shape == (0, 5)


def test_misuse_is_refused():
    tokenizer = MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"])
    with pytest.raises(ValueError, match=r"`stride` must not be negative\. Received: stride=-2"):
        WordPacker(tokenizer, stride=-2)
    with pytest.raises(ValueError, match=r"at least 7: .*stride=4.* Received: sequence_length=6"):
        WordPacker(tokenizer, 6, stride=4)
