"""A peer's training step in PyTorch, as `pretraining_peers.py` runs it in a process."""

import contextlib
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from pretraining_peers_inputs import annotated_mpnet_inputs, bert_inputs, glm_inputs
from pretraining_peers_models import annotated_mpnet, bert, glm
from step_process import serve_steps, take_output

_PEERS = {
    "annotated_mpnet": (annotated_mpnet, annotated_mpnet_inputs),
    "bert": (bert, bert_inputs),
    "glm": (glm, glm_inputs),
}


def main():
    """Builds the model of the case and serves steps on the batch that ours has written."""
    answers = take_output()
    case = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(2)
    make_model, make_inputs = _PEERS[case["kind"]]
    batch = make_inputs(dict(np.load(case["batch"])))
    model, loss_of = make_model(case["model"], case["peer"])
    train = training_step(model, loss_of, case["dtype"])

    def step():
        train(batch)
        return case["rows"] * case["sequence_length"]

    serve_steps(step, answers)


def training_step(model, loss_of, dtype):
    """Makes the function that trains a model on a batch.

    Args:
        model: `torch.nn.Module`.
        loss_of: function from its outputs and the batch to the loss.
        dtype: str. "float32", or "bfloat16" for autocast.

    Returns:
        Function of a dict with `inputs`, the arguments of the model by name, and what `loss_of`
        reads.
    """
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-7, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01
    )

    def precision():
        if dtype == "bfloat16":
            return torch.autocast("cpu", torch.bfloat16)
        return contextlib.nullcontext()

    def train(batch):
        optimizer.zero_grad()
        with precision():
            outputs = model(**batch["inputs"])
        loss = loss_of(outputs, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        assert np.isfinite(loss.item())

    return train


if __name__ == "__main__":
    main()
