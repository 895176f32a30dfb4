"""Statistics of the spans that blank infilling leaves out: how long, how many, where, which."""

import collections
import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.objectives.blank_infilling import BlankInfilling
from mpnet_tf.objectives.span_lengths import length_probabilities, stopping_thresholds
from tests.objectives.blanks import call, chi_square_tail, read_documents, spans_of_targets
from tests.rows import FULL_STOP, SPAN_END, UNKNOWN, pack_rows, token_roles

ROLES = token_roles(with_blanks=True)
LEVELS = ("span", "document", "sentence")


def poisson(mean, most):
    """Probabilities of 1 .. `most` of a Poisson distribution, given that it is one of them."""
    weights = [mean**length / math.factorial(length) for length in range(1, most + 1)]
    return np.array(weights) / sum(weights)


def documents_of_draws(objective, documents, num_rows, seeds):
    """Yields what many draws make of the same row of documents."""
    rows = pack_rows([documents] * num_rows, objective.sequence_length)
    for seed in seeds:
        slots, _, _ = call(objective, rows, seed)
        for row in range(num_rows):
            yield read_documents(slots, row)


def mixed_rows(sequence_length, num_tokens, shortest, longest):
    """Rows of documents of uneven lengths, with sentences of uneven lengths."""
    generator = np.random.default_rng(sequence_length + shortest)
    batch = []
    for _ in range(num_tokens // sequence_length):
        documents, free = [], sequence_length
        while free >= shortest + 2:
            length = min(int(generator.integers(shortest, longest + 1)), free - 2)
            tokens = generator.integers(9, 60, length)
            ends = np.cumsum(generator.integers(4, 31, length))
            tokens[ends[ends < length]] = FULL_STOP
            documents.append(tokens.tolist())
            free -= length + 2
        batch.append(documents)
    return pack_rows(batch, sequence_length)


@pytest.mark.parametrize(("mean", "most"), [(3.0, 40), (1.5, 6), (0.2, 3), (30.0, 12)])
def test_lengths_follow_the_cut_poisson_distribution(mean, most):
    np.testing.assert_allclose(length_probabilities(mean, most), poisson(mean, most), rtol=1e-12)


def test_thresholds_cover_the_share_on_average():
    """Against all sequences of spans of a short document, followed one by one."""
    probabilities = [0.5, 0.3, 0.2]

    def expected_total(threshold, num_tokens, total=0):
        if total >= threshold:
            return total
        return sum(
            probability * expected_total(threshold, num_tokens, min(total + length, num_tokens))
            for length, probability in enumerate(probabilities, start=1)
        )

    low, share = stopping_thresholds(np.array(probabilities), 0.4, 12)
    assert low[0] == share[0] == 0
    for num_tokens in range(1, 13):
        below = expected_total(low[num_tokens], num_tokens)
        above = expected_total(low[num_tokens] + 1, num_tokens)
        mean = below + share[num_tokens] * (above - below)
        assert 0 <= share[num_tokens] <= 1
        np.testing.assert_allclose(mean, 0.4 * num_tokens, rtol=1e-6)


def test_pooled_lengths_of_spans_are_poisson():
    """50,000 spans of documents of 500 tokens against Poisson(3) without 0."""
    objective = tf.function(BlankInfilling(ROLES, 512))
    rows = pack_rows([[[30] * (490 + row % 21)] for row in range(64)], 512)
    lengths = []
    for number in range(34):
        _, target_ids, target_weights = call(objective, rows, [17, number])
        for row in range(64):
            spans = spans_of_targets(target_ids[row], int(target_weights[row].sum()))
            lengths += [len(span) for span in spans]
    assert len(lengths) >= 50_000
    # Lengths from 10 on are one class: of 50,000 spans 58 are expected there.
    counts = np.bincount(np.minimum(lengths, 10), minlength=11)[1:]
    probabilities = poisson(3.0, 40)
    probabilities = [*probabilities[:9], probabilities[9:].sum()]
    assert chi_square_tail(counts, probabilities) > 0.001
    # And yet they cover the share; totals deviate by about 2, so this is four standard errors.
    share = sum(lengths) / (34 * (rows["token_ids"] == 30).sum())
    assert abs(share - 0.15) < 0.0004


@pytest.mark.parametrize("level", ["span", "sentence"])
@pytest.mark.parametrize(
    ("sequence_length", "shortest", "longest"), [(64, 1, 30), (128, 20, 126), (512, 20, 500)]
)
def test_coverage_of_mixed_documents(level, sequence_length, shortest, longest):
    objective = BlankInfilling(ROLES, sequence_length, level=level)
    rows = mixed_rows(sequence_length, 2**16, shortest, longest)
    num_tokens = int((~ROLES.is_special[rows["token_ids"]]).sum())
    covered = 0
    for number in range(15):
        _, target_ids, target_weights = call(objective, rows, [23, number])
        covered += ((target_weights > 0) & (target_ids != SPAN_END)).sum()
    assert abs(covered / (15 * num_tokens) - 0.15) < 0.005


def test_coverage_of_short_documents_of_each_length():
    """Each document has its share by itself, down to a single token."""
    lengths = [1, 2, 5, 10, 21, 40]
    objective = BlankInfilling(ROLES, 128, num_predictions=128)
    covered = collections.defaultdict(list)
    documents = [[30] * length for length in lengths]
    for drawn in documents_of_draws(objective, documents, 1000, [[3, 4], [3, 5], [3, 6]]):
        for length, document in zip(lengths, drawn, strict=True):
            covered[length].append(sum(span_length for _, span_length in document.spans))
    for length, totals in covered.items():
        # Four standard errors of the mean.
        tolerance = 4 * np.std(totals) / math.sqrt(len(totals))
        assert abs(np.mean(totals) - 0.15 * length) < tolerance, f"{length} tokens"


@pytest.mark.parametrize(
    ("num_tokens", "settings"), [(60, {}), (7, {"prediction_rate": 0.5, "mean_span_length": 1.0})]
)
def test_order_of_part_b_is_uniform(num_tokens, settings):
    """Of three spans, each order of the text's comes alike often, and each is alike long."""
    objective = BlankInfilling(ROLES, num_tokens + 2, **settings)
    counts, lengths = collections.Counter(), []
    seeds = [[1, 1], [1, 2], [1, 3]]
    for (document,) in documents_of_draws(objective, [[30] * num_tokens], 2000, seeds):
        if len(document.spans) == 3:
            starts = [start for start, _ in document.spans]
            counts[tuple(np.argsort(starts).tolist())] += 1
            lengths.append([length for _, length in document.spans])
    assert sum(counts.values()) > 1500
    orders = list(itertools.permutations(range(3)))
    assert chi_square_tail([counts[order] for order in orders], np.full(6, 1 / 6)) > 0.001
    # The span that runs over the threshold, longer on average, is anywhere among them.
    lengths = np.array(lengths)
    for column in (0, 2):
        difference = lengths[:, column] - lengths[:, 1]
        assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference))


def ways_to_place(lengths, num_tokens):
    """Lists all ways to place spans of these lengths with a kept token between any two."""
    ways = set()
    for order in set(itertools.permutations(lengths)):
        for starts in itertools.combinations(range(num_tokens), len(order)):
            spans = list(zip(starts, order, strict=True))
            ends = [start + length for start, length in spans]
            apart = all(end < start for end, start in zip(ends, starts[1:], strict=False))
            if apart and ends[-1] <= num_tokens:
                ways.add(tuple(spans))
    return ways


def test_placement_is_uniform_over_all_ways():
    objective = BlankInfilling(ROLES, 9, prediction_rate=0.5, mean_span_length=1.0)
    placed = collections.defaultdict(collections.Counter)
    seeds = [[2, number] for number in range(5)]
    for (document,) in documents_of_draws(objective, [[30] * 7], 4000, seeds):
        # Places are counted from `<s>`.
        spans = tuple(sorted((int(start) - 1, length) for start, length in document.spans))
        placed[tuple(sorted(length for _, length in spans))][spans] += 1
    for lengths in ((1, 3), (2, 2), (1, 1, 2), (1, 1, 1)):
        ways = ways_to_place(lengths, 7)
        counts = placed[lengths]
        assert set(counts) <= ways
        probabilities = np.full(len(ways), 1 / len(ways))
        assert chi_square_tail([counts[way] for way in ways], probabilities) > 0.001, lengths


def test_spans_are_cut_before_special_tokens():
    objective = BlankInfilling(ROLES, 64)
    text = [30] * 30 + [UNKNOWN] + [40] * 31
    cut = 0
    for (document,) in documents_of_draws(objective, [text], 2000, [[6, 6]]):
        for start, length in document.spans:
            assert UNKNOWN not in document.text[start : start + length]
        cut += any(start + length == 31 for start, length in document.spans)
    # 15% of the tokens are covered, so of this one token as much, short of what the edges lose.
    assert 0.1 < cut / 2000 < 0.2


def test_sentences_are_taken_whole_and_each_alike_often():
    """Five sentences of 4 tokens, 8 of 20 wanted: always two. 3 wanted: one, 3 times in 4."""
    text = ([30] * 3 + [FULL_STOP]) * 5
    for rate, num_taken in ((0.4, {2: 1.0}), (0.15, {0: 0.25, 1: 0.75}), (0.5, {2: 0.5, 3: 0.5})):
        objective = BlankInfilling(ROLES, 22, level="sentence", prediction_rate=rate)
        objective.max_spans = 5
        numbers, starts = collections.Counter(), collections.Counter()
        for (document,) in documents_of_draws(objective, [text], 2000, [[9, 9]]):
            assert all(length == 4 and start % 4 == 1 for start, length in document.spans)
            numbers[len(document.spans)] += 1
            starts.update(start for start, _ in document.spans)
        assert set(numbers) == set(num_taken)
        for number, share in num_taken.items():
            # Four standard errors.
            assert abs(numbers[number] / 2000 - share) <= 4 * math.sqrt(share * (1 - share) / 2000)
        for start in (1, 5, 9, 13, 17):
            assert abs(starts[start] / 2000 - rate) < 4 * math.sqrt(rate * (1 - rate) / 2000)


def test_what_a_sentence_is():
    """Up to a full stop, a special token or the end; full stops in a row are one each."""
    text = [30, 31, FULL_STOP, FULL_STOP, 32, 33, UNKNOWN, 34, FULL_STOP, 35]
    sentences = {(1, 3), (4, 1), (5, 2), (8, 2), (10, 1)}
    objective = BlankInfilling(ROLES, 32, level="sentence", prediction_rate=0.5)
    seen = set()
    for documents in documents_of_draws(objective, [text, text], 300, [[4, 4]]):
        for document in documents:
            seen.update((int(start), length) for start, length in document.spans)
    assert seen == sentences


def test_lengths_of_endings_are_uniform():
    objective = BlankInfilling(ROLES, 64, level="document")
    drawn = collections.defaultdict(list)
    texts = [[30] * num_tokens for num_tokens in (1, 2, 11, 20)]
    for documents in documents_of_draws(objective, texts, 2000, [[5, 5]]):
        for document in documents:
            num_tokens = len(document.text) - 2
            ((start, length),) = document.spans
            assert start + length == num_tokens + 1
            drawn[num_tokens].append(length)
    assert sorted(drawn) == [1, 2, 11, 20]
    for num_tokens, lengths in drawn.items():
        shortest = math.ceil(num_tokens / 2)
        assert min(lengths) == shortest and max(lengths) == num_tokens
        counts = np.bincount(lengths)[shortest:]
        if len(counts) > 1:
            assert chi_square_tail(counts, np.full(len(counts), 1 / len(counts))) > 0.001


def test_an_ending_holds_special_tokens_that_do_not_count():
    objective = BlankInfilling(ROLES, 64, level="document")
    documents = [[30] * 9 + [UNKNOWN] + [30], [30] * 5, [30] * 5 + [UNKNOWN]]
    lengths = set()
    for first, second, third in documents_of_draws(objective, documents, 100, [[1, 2]]):
        ((start, length),) = first.spans
        assert start + length == 12
        lengths.add(length)
        # It ends with the last token that is asked for.
        assert sum(second.spans[0]) == 6 and sum(third.spans[0]) == 6
    # 5 to 10 tokens and the unknown one among them.
    assert lengths == {6, 7, 8, 9, 10, 11}


@pytest.mark.parametrize(("level", "places"), [("span", 13), ("sentence", 11), ("document", 48)])
def test_rows_draw_no_more_than_they_have_places_for(level, places):
    """With few places something is left out, of no document more than of another."""
    objective = BlankInfilling(ROLES, 64, level=level, num_predictions=places)
    ample = BlankInfilling(ROLES, 64, level=level, num_predictions=128)
    document = ([30] * 4 + [FULL_STOP]) * 2
    num_spans = {
        made: np.array(
            [
                [len(document.spans) for document in documents]
                for documents in documents_of_draws(made, [document] * 5, 600, [[8, 8]])
            ]
        )
        for made in (objective, ample)
    }
    assert num_spans[objective].sum() < num_spans[ample].sum()
    by_document = num_spans[objective].sum(axis=0)
    mean = by_document.mean()
    assert (np.abs(by_document - mean) < 4 * math.sqrt(mean)).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sequence_length", [64, 128, 512])
def test_default_sizes_leave_out_next_to_nothing(level, sequence_length):
    rows = mixed_rows(sequence_length, 2**14, 20, 500)
    objective = BlankInfilling(ROLES, sequence_length, level=level)
    ample = BlankInfilling(ROLES, sequence_length, level=level, num_predictions=2048)
    ample.max_spans = sequence_length
    placed, drawn = (
        sum(call(made, rows, [2, number])[2].sum() for number in range(3))
        for made in (objective, ample)
    )
    assert 0 <= drawn - placed < 0.002 * drawn
