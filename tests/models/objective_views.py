"""What a model is shown of one document, as each objective's paper defines it."""

import numpy as np

from tests.models.reference import Stream, View


def masked(document, places, stand_ins):
    """BERT: the stand-ins are in the places of the predicted tokens, and all see all."""
    tokens = list(document)
    for place, stand_in in zip(places, stand_ins, strict=True):
        tokens[place] = stand_in
    mask = np.ones((len(tokens), len(tokens)), bool)
    return View(Stream(tokens, list(range(len(tokens))), mask), predicted=list(places))


def causal(document, places):
    """GPT: each token sees itself and those before it, and predicts the next."""
    mask = np.tril(np.ones((len(document), len(document)), bool))
    content = Stream(list(document), list(range(len(document))), mask)
    return View(content, predicted=list(places))


def permuted(document, places, stand_ins):
    """XLNet: predicted tokens see those before them in the permutation, which ends with them.

    The other tokens come first in the permutation and, as in XLNet's released code and in MPNet's
    figure 1, all see each other.
    """
    plain = [place for place in range(len(document)) if place not in places]
    order = plain + list(places)
    num_plain, num_tokens = len(plain), len(order)
    mask = np.zeros((num_tokens, num_tokens), bool)
    mask[:, :num_plain] = True
    for k in range(num_plain, num_tokens):
        mask[k, num_plain : k + 1] = True
    query_mask = mask[num_plain:].copy()
    for k in range(len(places)):
        query_mask[k, num_plain + k] = False
    tokens = [document[place] for place in order]
    return View(
        Stream(tokens, order, mask), query=Stream(list(stand_ins), list(places), query_mask)
    )


def masked_permuted(document, places, stand_ins):
    """MPNet: besides, a mask stands in the place of each predicted token that is not yet known."""
    plain = [place for place in range(len(document)) if place not in places]
    num_plain, num_predicted = len(plain), len(places)
    # Non-predicted tokens, masks, real predicted tokens.
    content_places = plain + list(places) + list(places)
    tokens = [document[place] for place in plain] + list(stand_ins)
    tokens += [document[place] for place in places]

    num_content = len(content_places)
    mask = np.zeros((num_content, num_content), bool)
    mask[:, :num_plain] = True
    mask[: num_plain + num_predicted, num_plain : num_plain + num_predicted] = True
    query_mask = np.zeros((num_predicted, num_content), bool)
    query_mask[:, :num_plain] = True
    for k in range(num_predicted):
        real_k = num_plain + num_predicted + k
        for other in range(num_predicted):
            mask_other, real_other = num_plain + other, num_plain + num_predicted + other
            mask[real_k, real_other] = other <= k
            mask[real_k, mask_other] = other > k
            query_mask[k, real_other] = other < k
            query_mask[k, mask_other] = other >= k
    return View(
        Stream(tokens, content_places, mask),
        query=Stream(list(stand_ins), list(places), query_mask),
    )


def blank_infilling(part_a, spans):
    """GLM: Part A sees itself, Part B sees Part A and what comes before it in Part B.

    Args:
        part_a: list of int. The text with a mask in the place of each span.
        spans: list of `(place of the mask in part_a, inputs)`, in the order of prediction, where
            inputs are the start token and the span's own tokens.

    Returns:
        `View` in which all of Part B is predicted.
    """
    num_a = len(part_a)
    tokens, positions = list(part_a), list(range(num_a))
    block_positions = [0] * num_a
    for place, inputs in spans:
        tokens += inputs
        positions += [place] * len(inputs)
        block_positions += range(1, len(inputs) + 1)
    mask = np.tril(np.ones((len(tokens), len(tokens)), bool))
    mask[:, :num_a] = True
    content = Stream(tokens, positions, mask, block_positions)
    return View(content, predicted=list(range(num_a, len(tokens))))


def views_of_row(name, features, batch, row):
    """Shows a row's documents as an objective's definition has it, for the choices it drew.

    What was drawn (which tokens, in what order, what stands in for them) is read off the slots;
    who sees whom is not. Asserts on the way that the targets are the documents' own tokens.

    Args:
        name: str. The objective.
        features: dict of int arrays, the packed rows.
        batch: `tests.models.small_models.Batch` made of them.
        row: int.

    Yields:
        `View` of a document, and the places of its predictions among the row's.
    """
    slots = {feature: values[row] for feature, values in batch.slots.items()}
    asked = {
        feature: slots[feature][slots["prediction_slots"]]
        for feature in ("token_ids", "position_ids", "block_position_ids", "segment_ids")
    }
    asked_segments = np.where(batch.real[row], asked["segment_ids"], -1)
    for segment in range(1, features["segment_ids"][row].max() + 1):
        document = features["token_ids"][row][features["segment_ids"][row] == segment].tolist()
        predictions = np.flatnonzero(asked_segments == segment)
        if not len(predictions):
            continue
        tokens, places, blocks = (
            asked[feature][predictions].tolist()
            for feature in ("token_ids", "position_ids", "block_position_ids")
        )
        targets = batch.target_ids[row][predictions].tolist()
        if name == "clm":
            assert targets == [document[place + 1] for place in places]
            yield causal(document, places), predictions
        elif name.startswith("glm"):
            of_part_a = (slots["segment_ids"] == segment) & (slots["block_position_ids"] == 0)
            part_a = slots["token_ids"][of_part_a].tolist()
            spans = split_spans(tokens, places, blocks)
            assert fill_in(part_a, spans, targets) == document
            yield blank_infilling(part_a, spans), predictions
        else:
            assert targets == [document[place] for place in places]
            view = {"mlm": masked, "plm": permuted, "mpnet": masked_permuted}[name]
            yield view(document, places, tokens), predictions


def split_spans(tokens, places, blocks):
    """Splits Part B into `(place of the mask, inputs)`; each span's block positions start at 1."""
    starts = [number for number, block in enumerate(blocks) if block == 1]
    stops = [*starts[1:], len(blocks)]
    return [(places[start], tokens[start:stop]) for start, stop in zip(starts, stops, strict=True)]


def fill_in(part_a, spans, targets):
    """Puts the targets of each span, less the token that ends it, in the place of its mask."""
    filled, begin = {}, 0
    for place, inputs in spans:
        filled[place] = targets[begin : begin + len(inputs) - 1]
        assert inputs[1:] == filled[place]
        begin += len(inputs)
    return [token for place, old in enumerate(part_a) for token in filled.get(place, [old])]
