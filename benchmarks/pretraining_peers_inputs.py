"""A batch of slots as the peers of `pretraining_peers.py` take it.

Each function takes the arrays that `pretraining_peers_ours.py` wrote, by name, and returns a dict
of what the model is called with (`inputs`) and the `targets` of its loss.
"""

import numpy as np
import torch

_IGNORED_BY_LOSS = -100


def annotated_mpnet_inputs(arrays):
    """Lays rows out as annotated-mpnet does: the rest, the predicted, their masks, the queries."""
    num_content = arrays["key_start"].shape[1]
    first_query = arrays["prediction_slots"][0, 0]
    first_mask = num_content - arrays["prediction_slots"].shape[1]
    orders, targets = [], []
    for start, weights, ids in zip(
        arrays["key_start"], arrays["target_weights"], arrays["target_ids"], strict=True
    ):
        num_predicted = int(np.sum(weights > 0))
        step = start[:first_mask]
        rest = np.flatnonzero(step == 0)
        predicted = np.argsort(np.where(step > 0, step, num_content), kind="stable")
        places = np.arange(num_predicted)
        orders.append(
            np.concatenate(
                [rest, predicted[:num_predicted], first_mask + places, first_query + places]
            )
        )
        targets.append(ids[:num_predicted])
    inputs = {
        name: _tensor(np.take_along_axis(arrays[ours], np.stack(orders), axis=1))
        for name, ours in (("input_ids", "token_ids"), ("positions", "position_ids"))
    }
    return {
        "inputs": {**inputs, "pred_size": len(targets[0])},
        "targets": _tensor(np.stack(targets)),
    }


def bert_inputs(arrays):
    """Gives each slot its label, as BertForMaskedLM wants them."""
    labels = np.full_like(arrays["token_ids"], _IGNORED_BY_LOSS)
    _put_targets(labels, arrays)
    inputs = {"input_ids": _tensor(arrays["token_ids"]), "labels": _tensor(labels)}
    return {"inputs": inputs, "targets": None}


def glm_inputs(arrays):
    """Gives GLM its two positions and where Part B begins, cut to the longest row."""
    is_real = arrays["segment_ids"] > 0
    longest = int(is_real.sum(axis=1).max())
    targets = np.full_like(arrays["token_ids"], _IGNORED_BY_LOSS)
    _put_targets(targets, arrays)
    positions = np.stack([arrays["position_ids"], arrays["block_position_ids"]], axis=1)
    in_part_a = is_real & (arrays["query_step"] == 0)
    inputs = {
        "input_ids": _tensor(arrays["token_ids"][:, :longest]),
        "position_ids": _tensor(positions[..., :longest]),
        "attention_mask": _tensor(in_part_a.sum(axis=1)),
    }
    return {"inputs": inputs, "targets": _tensor(targets[:, :longest])}


def _put_targets(labels, arrays):
    rows, places = np.nonzero(arrays["target_weights"] > 0)
    labels[rows, arrays["prediction_slots"][rows, places]] = arrays["target_ids"][rows, places]


def _tensor(array):
    return torch.tensor(np.asarray(array, np.int64))
