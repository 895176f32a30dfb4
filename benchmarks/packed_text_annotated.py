"""annotated-mpnet's training on padded lines, as `packed_text.py` runs it in a process."""

import inspect
import json
import sys

import torch
from input_peers_annotated import AnnotatedMPNet
from input_peers_text import mpnet_vocabulary, peer_tokenizer
from pretraining_peers_models import annotated_mpnet
from pretraining_peers_torch import training_step
from step_process import serve_steps, take_output


def main():
    """Builds the model of the case and serves steps on batches of its own data set."""
    answers = take_output()
    case = json.loads(sys.argv[1])
    torch.manual_seed(0)
    tokenizer = peer_tokenizer(mpnet_vocabulary(case["vocab"]), case["sequence_length"])
    batches = AnnotatedMPNet(case["peer"]).batches(
        tokenizer, case["input"], case["sequence_length"], case["rows"]
    )
    # Importing its data set made it one.
    torch.set_num_threads(2)
    model, loss_of = annotated_mpnet(case["model"], case["peer"])
    arguments = inspect.signature(model.forward).parameters
    train = training_step(model, loss_of, "float32")

    def step():
        num_tokens, batch = next(batches)
        inputs = {name: batch[name] for name in arguments if name in batch}
        train({"inputs": inputs, "targets": batch["targets"]})
        return num_tokens

    serve_steps(step, answers)


if __name__ == "__main__":
    main()
