"""Entity scores against counts by hand, entities read another way, and seqeval."""

import warnings

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mpnet_tf.finetuning.entity_metrics import EntityScores, compute_entity_metrics


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_scores_worked_by_hand():
    targets = [
        ["B-PER", "I-PER", "O", "B-LOC", "O"],
        ["B-PER", "B-PER", "I-PER"],
    ]
    predictions = [
        # Right, and a place taken for an organisation.
        ["B-PER", "I-PER", "O", "B-ORG", "O"],
        # The two persons as one: both ends must be right.
        ["B-PER", "I-PER", "I-PER"],
    ]
    metrics = compute_entity_metrics(targets, predictions)
    # 1 right of 3 found and of 4 there.
    assert metrics.overall == EntityScores(1 / 3, 1 / 4, pytest.approx(2 / 7), 4)
    assert metrics.by_type == {
        "LOC": EntityScores(0, 0, 0, 1),
        "ORG": EntityScores(0, 0, 0, 0),
        "PER": EntityScores(1 / 2, 1 / 3, pytest.approx(2 / 5), 3),
    }


@pytest.mark.parametrize(
    "predictions",
    [
        # Two persons side by side, a place, a person of three words: BIO, IOB1, BIOES.
        ["B-PER", "B-PER", "B-LOC", "O", "B-PER", "I-PER", "I-PER"],
        ["I-PER", "B-PER", "I-LOC", "O", "I-PER", "I-PER", "I-PER"],
        ["S-PER", "S-PER", "S-LOC", "O", "B-PER", "I-PER", "E-PER"],
    ],
)
def test_schemes_mark_the_same_entities(predictions):
    targets = ["B-PER", "B-PER", "B-LOC", "O", "B-PER", "I-PER", "I-PER"]
    metrics = compute_entity_metrics([targets], [predictions])
    assert metrics.overall == EntityScores(1, 1, 1, 4)
    assert metrics.by_type["PER"] == EntityScores(1, 1, 1, 3)


def test_entities_end_with_their_sentence():
    targets = (("B-PER",), ("I-PER",))
    assert compute_entity_metrics(targets, targets).overall.num_entities == 2


def test_no_entities_have_defined_scores():
    metrics = compute_entity_metrics([["O", "O"]], [["O", "O"]])
    assert metrics.overall == EntityScores(0, 0, 0, 0)
    assert metrics.by_type == {}
    assert compute_entity_metrics([["O"]], [["B-A"]]).by_type == {"A": EntityScores(0, 0, 0, 0)}


def bio_entities(sentences):
    """The entities of BIO labels, by the scheme's definition alone."""
    entities = set()
    for sentence, labels in enumerate(sentences):
        for begin, label in enumerate(labels):
            if label.startswith("B-"):
                end = begin + 1
                while end < len(labels) and labels[end] == f"I-{label[2:]}":
                    end += 1
                entities.add((sentence, begin, end, label[2:]))
    return entities


@st.composite
def bio_labels(draw, length):
    labels = []
    for _ in range(length):
        goes_on = [f"I-{labels[-1][2:]}"] if labels and labels[-1] != "O" else []
        labels.append(draw(st.sampled_from(["O", "B-A", "B-B-c", *goes_on])))
    return labels


@given(st.data(), st.lists(st.integers(0, 8), min_size=1, max_size=4))
def test_scores_follow_their_definition(data, lengths):
    targets, predictions = ([data.draw(bio_labels(length)) for length in lengths] for _ in "ab")
    right, found = bio_entities(targets), bio_entities(predictions)
    metrics = compute_entity_metrics(targets, predictions)
    for type, scores in [(None, metrics.overall), *metrics.by_type.items()]:
        of_type = [
            {entity for entity in entities if type in (None, entity[-1])}
            for entities in (right, found)
        ]
        both = len(of_type[0] & of_type[1])
        assert scores.num_entities == len(of_type[0])
        assert scores.precision == pytest.approx(both / max(len(of_type[1]), 1))
        assert scores.recall == pytest.approx(both / max(len(of_type[0]), 1))
        assert scores.f1 == pytest.approx(2 * both / max(sum(map(len, of_type)), 1))


ANY_LABEL = st.sampled_from(["O", *(f"{mark}-{type}" for mark in "BIES" for type in "AB")])
# For each word the right and the predicted label.
LABELLED_SENTENCES = st.lists(
    st.lists(st.tuples(ANY_LABEL, ANY_LABEL), min_size=1, max_size=10), min_size=1, max_size=4
)


# The first call imports it.
@settings(deadline=None)
@given(LABELLED_SENTENCES)
def test_scores_are_those_of_seqeval(sentences):
    """Labels in any order, as an untrained model gives them."""
    seqeval = pytest.importorskip("seqeval.metrics", reason="compares with seqeval")
    targets, predictions = (
        [[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1)
    )
    # It has no figures where there is no entity at all.
    assume(any(label != "O" for sentence in targets + predictions for label in sentence))
    expected = seqeval.classification_report(
        targets, predictions, output_dict=True, zero_division=0
    )
    metrics = compute_entity_metrics(targets, predictions)
    found = {"micro avg": metrics.overall, **metrics.by_type}
    assert set(found) == set(expected) - {"macro avg", "weighted avg"}
    for name, scores in found.items():
        assert scores.num_entities == expected[name]["support"]
        assert scores.precision == pytest.approx(expected[name]["precision"])
        assert scores.recall == pytest.approx(expected[name]["recall"])
        assert scores.f1 == pytest.approx(expected[name]["f1-score"])


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [
        ([], [], "equally many sentences, one at least. Received: 0 and 0"),
        ([["O"]], [["O"], ["O"]], "equally many sentences.* 1 and 2"),
        ([["O"], ["O", "O"]], [["O"], ["O"]], "equally many labels.* 2 and 1 in sentence 1"),
        ([["O"]], [["PER"]], "`predictions`, sentence 0: a label must be O or B-.*'PER'"),
    ],
)
def test_bad_arguments_are_refused(targets, predictions, message):
    with pytest.raises(ValueError, match=message):
        compute_entity_metrics(targets, predictions)
