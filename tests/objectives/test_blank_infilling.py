"""Properties of GLM's objective on random packed rows, at all three levels."""

import dataclasses
import itertools

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from mpnet_tf.objectives.blank_infilling import BlankInfilling
from mpnet_tf.objectives.visibility import (
    END_OF_STEPS,
    KEY_FEATURES,
    PREDICTION_FEATURES,
    SLOT_FEATURES,
    visible_slots,
)
from tests.objectives.blanks import call, read_documents, spans_of_targets
from tests.rows import (
    DOCUMENT_MASK,
    FULL_STOP,
    PAD,
    SENTENCE_MASK,
    SPAN_END,
    SPAN_START,
    UNKNOWN,
    pack_rows,
    random_documents,
    token_roles,
)

ROLES = token_roles(with_blanks=True)
LEVELS = ("span", "document", "sentence")
MASKS = {"span": ROLES.mask_token_id, "document": DOCUMENT_MASK, "sentence": SENTENCE_MASK}
SEQUENCE_LENGTH = 64
BATCH_SIZE = 4

seeds = strategies.tuples(strategies.integers(0, 2**31 - 1), strategies.integers(0, 2**31 - 1))


def make_rows(seed, batch_size=BATCH_SIZE, num_unknown=2):
    """Rows of uneven documents with full stops, an unknown token here and there, and padding."""
    generator = np.random.default_rng(seed)
    batch = []
    for _ in range(batch_size):
        documents = random_documents(generator, SEQUENCE_LENGTH, roles=ROLES, shortest=1)
        for document in documents:
            for place in range(len(document)):
                if generator.random() < 0.15:
                    document[place] = FULL_STOP
            for place in generator.integers(0, 3 * len(document), num_unknown):
                if place < len(document):
                    document[place] = UNKNOWN
        batch.append(documents)
    return pack_rows(batch, SEQUENCE_LENGTH)


def documents_of(rows, row):
    """The tokens of each document of a row, `<s>` and `</s>` included."""
    segments = rows["segment_ids"][row]
    return [
        rows["token_ids"][row][segments == segment].tolist()
        for segment in range(1, segments.max() + 1)
    ]


@pytest.fixture(scope="module")
def traced():
    """Traced objectives of each level, which leave out much so that spans are many."""
    return {
        level: tf.function(BlankInfilling(ROLES, SEQUENCE_LENGTH, level=level, prediction_rate=0.3))
        for level in LEVELS
    }


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(seed=seeds, level=strategies.sampled_from(LEVELS))
def test_both_parts_together_are_the_text(traced, seed, level):
    rows = make_rows(seed[0])
    slots, target_ids, target_weights = call(traced[level], rows, seed)
    for row in range(BATCH_SIZE):
        originals = documents_of(rows, row)
        documents = read_documents(slots, row)
        assert [document.text for document in documents] == originals
        spans = []
        for document in documents:
            assert document.masks == [MASKS[level]] * len(document.spans)
            assert document.part_a.count(MASKS[level]) == len(document.spans)
            spans += [document.text[at : at + length] for at, length in document.spans]
        # What is to be predicted is these spans, each with its end.
        num_targets = np.count_nonzero(slots["block_position_ids"][row])
        targets = target_ids[row][:num_targets]
        assert spans_of_targets(target_ids[row], num_targets) == spans
        assert all(spans)
        # Endings alone run over special tokens, and do not ask for them.
        is_asked = ~ROLES.is_special[targets] | (targets == SPAN_END)
        assert (target_weights[row][:num_targets] == is_asked).all()
        assert is_asked.all() or level == "document"


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(seed=seeds, level=strategies.sampled_from(LEVELS))
def test_layout_positions_steps_and_intervals(traced, seed, level):
    rows = make_rows(seed[0])
    slots, target_ids, target_weights = call(traced[level], rows, seed)
    assert set(slots) == {*SLOT_FEATURES, *KEY_FEATURES, *PREDICTION_FEATURES}
    assert all(value.dtype == np.int32 for value in slots.values())
    assert not slots["objective_ids"].any()
    for row in range(BATCH_SIZE):
        of_row = {name: value[row] for name, value in slots.items()}
        segments, blocks = of_row["segment_ids"], of_row["block_position_ids"]
        part_a, part_b = np.flatnonzero((segments > 0) & (blocks == 0)), np.flatnonzero(blocks)
        # Part A, part B, padding; each part by document.
        num_slots = len(part_a) + len(part_b)
        assert [*part_a, *part_b] == list(range(num_slots))
        assert (np.diff(segments[part_a]) >= 0).all() and (np.diff(segments[part_b]) >= 0).all()

        for segment in range(1, segments.max() + 1):
            in_a = part_a[segments[part_a] == segment]
            in_b = part_b[segments[part_b] == segment]
            assert of_row["position_ids"][in_a].tolist() == list(range(len(in_a)))
            assert not of_row["query_step"][in_a].any() and not of_row["key_start"][in_a].any()
            steps = list(range(1, len(in_b) + 1))
            assert of_row["query_step"][in_b].tolist() == steps
            assert of_row["key_start"][in_b].tolist() == steps
        assert (of_row["key_end"][:num_slots] == END_OF_STEPS).all()

        # Padding holds nothing and is seen by nothing.
        assert (of_row["token_ids"][num_slots:] == PAD).all()
        for name in (*SLOT_FEATURES[1:], *KEY_FEATURES):
            assert not of_row[name][num_slots:].any()

        # The predictions are part B in order: of each slot the token behind it, or the end.
        real = np.arange(target_ids.shape[1]) < len(part_b)
        assert not target_weights[row][~real].any()
        assert set(target_weights[row].tolist()) <= {0.0, 1.0}
        assert of_row["prediction_slots"][real].tolist() == part_b.tolist()
        assert of_row["prediction_slots"].min() >= 0
        assert of_row["prediction_slots"].max() < len(segments)
        assert (target_ids[row][~real] == PAD).all()
        tokens = of_row["token_ids"]
        for slot, target in zip(part_b, target_ids[row], strict=False):
            ends = slot + 1 not in part_b or blocks[slot + 1] == 1
            assert target == (SPAN_END if ends else tokens[slot + 1])
            assert (tokens[slot] == SPAN_START) == (blocks[slot] == 1)


@pytest.mark.parametrize("level", LEVELS)
def test_who_sees_whom(traced, level):
    """Part A sees part A; part B sees part A, itself and what stands before it; nothing else."""
    slots, _, _ = call(traced[level], make_rows(3), [3, 4])
    seen = np.asarray(visible_slots(slots))
    segments, blocks = slots["segment_ids"], slots["block_position_ids"]
    for row in range(BATCH_SIZE):
        for query in range(seen.shape[1]):
            expected = [
                segments[row, query] == segments[row, key] > 0
                and (blocks[row, key] == 0 or (blocks[row, query] > 0 and key <= query))
                for key in range(seen.shape[2])
            ]
            assert seen[row, query].tolist() == expected


@hypothesis.settings(deadline=None, max_examples=20)
@hypothesis.given(seed=seeds)
def test_spans_stand_apart(traced, seed):
    rows = make_rows(seed[0])
    slots, _, _ = call(traced["span"], rows, seed)
    for row in range(BATCH_SIZE):
        for document in read_documents(slots, row):
            spans = sorted(document.spans)
            for (start, length), (following, _) in itertools.pairwise(spans):
                assert start + length < following


@pytest.mark.parametrize("level", LEVELS)
def test_texts_without_start_and_end_tokens(level):
    """The first and last tokens of a row can be left out like any other."""
    objective = BlankInfilling(ROLES, 12, level=level, prediction_rate=0.5)
    rows = {
        "token_ids": np.tile(np.r_[20:25, FULL_STOP, 30:35, FULL_STOP], (300, 1)),
        "position_ids": np.tile(np.r_[0:6, 0:6], (300, 1)),
        "segment_ids": np.tile(np.repeat([1, 2], 6), (300, 1)),
    }
    rows = {name: value.astype(np.int32) for name, value in rows.items()}
    slots, _, _ = call(objective, rows, [1, 1])
    left_out = set()
    for row in range(300):
        documents = read_documents(slots, row)
        assert [document.text for document in documents] == documents_of(rows, row)
        for number, document in enumerate(documents):
            for start, length in document.spans:
                left_out.update((number, place) for place in range(start, start + length))
    assert left_out == {(number, place) for number in range(2) for place in range(6)}


@pytest.mark.parametrize("level", LEVELS)
def test_same_seed_same_slots_in_and_out_of_a_dataset(traced, level):
    rows = make_rows(9)
    eager, eager_targets, _ = call(traced[level], rows, [4, 5])
    objective = BlankInfilling(ROLES, SEQUENCE_LENGTH, level=level, prediction_rate=0.3)
    dataset = tf.data.Dataset.from_tensors(rows).map(
        lambda batch: objective(batch, tf.constant([4, 5]))
    )
    slots_spec, targets_spec, weights_spec = dataset.element_spec
    for name in SLOT_FEATURES + KEY_FEATURES:
        assert slots_spec[name].shape == (BATCH_SIZE, objective.num_slots)
    for spec in (targets_spec, weights_spec, *(slots_spec[name] for name in PREDICTION_FEATURES)):
        assert spec.shape == (BATCH_SIZE, objective.num_predictions)
    slots, target_ids, _ = next(iter(dataset))
    for name, value in eager.items():
        np.testing.assert_array_equal(slots[name], value)
    np.testing.assert_array_equal(target_ids, eager_targets)
    other, _, _ = call(traced[level], rows, [4, 6])
    assert any((other[name] != eager[name]).any() for name in eager)


@pytest.mark.parametrize("level", LEVELS)
def test_empty_batches_and_rows_of_padding(traced, level):
    objective = BlankInfilling(ROLES, SEQUENCE_LENGTH, level=level, prediction_rate=0.3)
    for batch_size in (0, 3):
        rows = pack_rows([[]] * batch_size, SEQUENCE_LENGTH)
        slots, target_ids, target_weights = call(traced[level], rows, [1, 2])
        assert slots["token_ids"].shape == (batch_size, objective.num_slots)
        assert target_ids.shape == (batch_size, objective.num_predictions)
        assert not target_weights.any() and not slots["key_end"].any()
    rows = pack_rows([[[30] * 9], []], SEQUENCE_LENGTH)
    slots, _, _ = call(traced[level], rows, [1, 2])
    assert [len(read_documents(slots, row)) for row in range(2)] == [1, 0]


def test_sizes_and_names():
    for level, name in zip(LEVELS, ("glm", "glm_document", "glm_sentence"), strict=True):
        objective = BlankInfilling(None, 128, level=level)
        assert objective.names == (name,)
        assert objective.num_slots == objective.num_content_slots == 128 + 2 * objective.max_spans
        assert objective.places_needed(np.array([1, 50])).tolist() == [3, 52]
    assert BlankInfilling(None, 512).max_span_length == 40
    assert BlankInfilling(None, 20).max_span_length == 18
    assert BlankInfilling(None, 512, num_predictions=200).num_predictions == 200
    # The shortest row of all, at every level.
    for level in LEVELS:
        assert BlankInfilling(None, 3, level=level).num_predictions >= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "word"}, r"`level` must be one of .*level='word'"),
        ({"prediction_rate": 0.0}, "`prediction_rate` must lie between 0 and 1.*=0.0"),
        ({"prediction_rate": 1.0}, "`prediction_rate` must lie between 0 and 1.*=1.0"),
        ({"mean_span_length": 0.0}, "`mean_span_length` must be above 0.*=0.0"),
        ({"mean_span_length": 65.0}, "no longer than a row of 64 tokens.*=65.0"),
        ({"max_span_length": 0}, "`max_span_length` must lie between 1 and 62.*=0"),
        ({"max_span_length": 63}, "`max_span_length` must lie between 1 and 62.*=63"),
        ({"min_document_share": 0.0}, "`min_document_share` must be above 0.*=0.0"),
        ({"min_document_share": 1.1}, "`min_document_share` must be above 0.*=1.1"),
        # 15% of 62 tokens in spans of 3.16 on average: 9.3 tokens and 2.9 ends.
        ({"num_predictions": 12}, "`num_predictions` must be at least 13.*=12"),
        # 15% of 62 tokens and one end.
        ({"num_predictions": 10, "level": "sentence"}, "must be at least 11.*=10"),
        # 31 to 62 tokens, thus 46.5 on average, and one end.
        ({"num_predictions": 47, "level": "document"}, "must be at least 48.*=47"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BlankInfilling(ROLES, 64, **settings)


def test_short_rows_are_refused():
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 3.*=2"):
        BlankInfilling(ROLES, 2)


@pytest.mark.parametrize(
    ("level", "lacking", "message"),
    [
        ("span", "span_start_token_id", r"needs '<\|startofpiece\|>' in the vocabulary"),
        ("sentence", "span_end_token_id", r"needs '<\|endofpiece\|>' in the vocabulary"),
        ("document", "document_mask_token_id", r"needs '\[gMASK\]' in the vocabulary"),
        ("sentence", "sentence_mask_token_id", r"needs '\[sMASK\]' .* mpnet-train-vocab"),
        ("sentence", "is_sentence_end", r"needs a token that ends a sentence .* mpnet-train-vocab"),
    ],
)
def test_vocabularies_without_the_tokens_are_refused(level, lacking, message):
    roles = dataclasses.replace(ROLES, **{lacking: None})
    with pytest.raises(ValueError, match=message):
        BlankInfilling(roles, 64, level=level)
    # The other levels do without a mask of this one's.
    if lacking in ("document_mask_token_id", "sentence_mask_token_id", "is_sentence_end"):
        BlankInfilling(roles, 64, level="span")
