"""Spans that may fill one blank, side by side in a row of slots, as the tree of their prefixes.

What fills a blank is read from its start token on, so spans that begin alike share the slots of
their common beginning: at least the start token's. A slot's step is its number in a walk through
the tree that goes down before it goes on, and a slot is seen at its own step and those of the slots
below it, which follow without a gap. So each slot sees its own prefix and nothing of other spans.

For the spans `a b` and `c`, whose ends are predicted too, with `s` to start and `e` to end:

| slot | prefix | place in the span | step | seen at | predicts |
| --- | --- | --- | --- | --- | --- |
| s | s | 1 | 1 | 1 to 4 | a and c |
| a | s a | 2 | 2 | 2 and 3 | b |
| b | s a b | 3 | 3 | 3 | e |
| c | s c | 2 | 4 | 4 | e |
"""

import dataclasses

import numpy as np

# In the place of a token id: that there is none.
NO_TOKEN = -1


@dataclasses.dataclass(frozen=True)
class SpanTree:
    """The slots of spans that fill the same blank, and where each span is read off.

    Args:
        token_ids: int32 array `(num_slots,)`. What stands in each slot.
        block_position_ids: int32 array `(num_slots,)`. Its place in its spans, from 1.
        query_step: int32 array `(num_slots,)`. Its step, from 1, and the first that sees it.
        key_end: int32 array `(num_slots,)`. The first step that sees it no more.
        span_slots: int32 array `(num_spans, longest)`. The slot that predicts each token of a span.
        span_token_ids: int32 array `(num_spans, longest)`. These tokens; after a span's last,
            `NO_TOKEN`.

    References:
        GLM (https://arxiv.org/abs/2103.10360), section 2.1, for what a span sees.
    """

    token_ids: np.ndarray
    block_position_ids: np.ndarray
    query_step: np.ndarray
    key_end: np.ndarray
    span_slots: np.ndarray
    span_token_ids: np.ndarray


def make_span_tree(spans, *, start_token_id):
    """Lays out spans.

    Args:
        spans: list of lists of int, none empty. All tokens that are predicted of each.
        start_token_id: int. Begins a span.

    Returns:
        `SpanTree`.
    """
    # Of spans as they are read: the start token and all but the last. Sorted, a prefix is followed
    # by what begins with it.
    read = [(start_token_id, *span[:-1]) for span in spans]
    prefixes = sorted({prefix[: end + 1] for prefix in read for end in range(len(prefix))})
    slots = {prefix: slot for slot, prefix in enumerate(prefixes)}
    steps = np.arange(1, len(prefixes) + 1)
    sizes = [sum(other[: len(prefix)] == prefix for other in prefixes) for prefix in prefixes]

    shape = (len(spans), max(map(len, spans)))
    span_slots, span_token_ids = np.zeros(shape, np.int32), np.full(shape, NO_TOKEN, np.int32)
    for number, (prefix, span) in enumerate(zip(read, spans, strict=True)):
        span_slots[number, : len(span)] = [slots[prefix[: end + 1]] for end in range(len(span))]
        span_token_ids[number, : len(span)] = span
    return SpanTree(
        token_ids=np.array([prefix[-1] for prefix in prefixes], np.int32),
        block_position_ids=np.array([len(prefix) for prefix in prefixes], np.int32),
        query_step=steps.astype(np.int32),
        key_end=(steps + sizes).astype(np.int32),
        span_slots=span_slots,
        span_token_ids=span_token_ids,
    )
