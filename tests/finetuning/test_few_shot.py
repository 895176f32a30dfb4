"""Few examples of each class."""

import collections
import dataclasses

import pytest

from mpnet_tf.finetuning.few_shot import sample_few_shot
from mpnet_tf.finetuning.labelled_texts import LabelledTexts

NUMBER = 60
EXAMPLES = LabelledTexts(
    texts=tuple(f"text {number}" for number in range(NUMBER)),
    pairs=tuple(f"pair {number}" for number in range(NUMBER)),
    labels=tuple("rare" if number % 10 == 0 else "common" for number in range(NUMBER)),
    ids=tuple(map(str, range(NUMBER))),
    source="made up",
)


def test_each_class_has_as_many():
    few = sample_few_shot(EXAMPLES, 4, seed=3)
    assert collections.Counter(few.labels) == {"rare": 4, "common": 4}
    numbers = [int(number) for number in few.ids]
    assert numbers == sorted(set(numbers)) and few.source == "made up"
    for text, pair, label, number in zip(few.texts, few.pairs, few.labels, numbers, strict=True):
        assert (text, pair) == (f"text {number}", f"pair {number}")
        assert label == EXAMPLES.labels[number]
    assert sample_few_shot(EXAMPLES, 4, seed=3) == few
    assert sample_few_shot(EXAMPLES, 4, seed=4) != few


def test_every_example_is_as_likely():
    single = dataclasses.replace(EXAMPLES, pairs=None, ids=None)
    draws = [sample_few_shot(single, 3, seed=seed).texts for seed in range(400)]
    counts = collections.Counter(text for draw in draws for text in draw)
    # Each of six 400 * 3 / 6 times, with a standard deviation of 10.
    rare = [counts[f"text {number}"] for number in range(0, NUMBER, 10)]
    assert all(150 < count < 250 for count in rare)
    assert len(counts) == NUMBER


@pytest.mark.parametrize(
    ("examples", "per_class", "message"),
    [
        (EXAMPLES, 0, r"`per_class` must be positive\. Received: per_class=0"),
        (EXAMPLES, 7, r"must be at most 6, the examples of the class 'rare' in made up"),
        (dataclasses.replace(EXAMPLES, labels=None), 1, "must have names of classes as labels"),
        (dataclasses.replace(EXAMPLES, labels=(1.0,) * NUMBER), 1, "those of made up without"),
    ],
)
def test_what_cannot_be_drawn_is_refused(examples, per_class, message):
    with pytest.raises(ValueError, match=message):
        sample_few_shot(examples, per_class, seed=1)
