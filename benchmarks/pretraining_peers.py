"""A training step of ours beside that of peers in PyTorch, on the same batch.

Prints a JSON line for each case and peer: seconds a step and text tokens per second of both, the
processor seconds that a step took, and the ratio of the peer's time to ours in the same turn,
median and quartiles: above 1 is faster. A step is the forward pass, the loss, the backward pass,
clipping where its code clips, and AdamW; of ours, all that `fit` runs. The batch, of random
words, is made once by our objective: the peers get the same tokens at the same positions, with
the same tokens to predict, without our empty places. Each side is a process with two threads of
its own; they take turns and never work at once.

    python benchmarks/pretraining_peers.py --peer_dir=annotated-mpnet --glm_dir=GLM

`--peer_dir` names a checkout of annotated-mpnet or of its fork (repeatable), `--glm_dir` one of
THUDM/GLM. Without them, and without `transformers` for BERT, those rows are left out.
"""

import importlib.util
import json
import os
import tempfile

import numpy as np
from absl import app, flags
from step_process import StepProcess
from turns import ratios, rounded

_CASES = flags.DEFINE_list("cases", [], "Which cases, by name; all if empty.")
_PEER_DIRS = flags.DEFINE_multi_string("peer_dir", [], "Checkouts of annotated-mpnet.")
_GLM_DIR = flags.DEFINE_string("glm_dir", None, "A checkout of THUDM/GLM.")
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 2, "Steps in a turn.", lower_bound=1)

_SMALL = {"num_layers": 4, "num_heads": 4, "hidden_dim": 256, "intermediate_dim": 1024}


def _case(objective, rows, sequence_length, *, dtype="float32", **model):
    return {
        "objective": objective,
        "rows": rows,
        "sequence_length": sequence_length,
        "dtype": dtype,
        "model": model,
    }


_CASES_BY_NAME = {
    "mpnet_base_128": _case("mpnet", 8, 128),
    "mpnet_base_512": _case("mpnet", 2, 512),
    "mpnet_base_128_bfloat16": _case("mpnet", 8, 128, dtype="bfloat16"),
    "mpnet_base_512_bfloat16": _case("mpnet", 2, 512, dtype="bfloat16"),
    "mpnet_small_128": _case("mpnet", 16, 128, **_SMALL),
    "mlm_base_128": _case("mlm", 8, 128, body="bert"),
    "mlm_base_512": _case("mlm", 2, 512, body="bert"),
    "glm_base_128": _case("glm", 8, 128, body="glm"),
    "glm_base_512": _case("glm", 2, 512, body="glm"),
}


def main(argv):
    """Measures and prints."""
    del argv
    for name in _CASES.value or _CASES_BY_NAME:
        case = _CASES_BY_NAME[name]
        peers = _peers_of(case["objective"])
        if not peers:
            print(json.dumps({"case": name, "skipped": "its peer is not at hand"}), flush=True)
        for peer in peers:
            print(json.dumps({"case": name, **_measure(case, peer)}), flush=True)


def _peers_of(objective):
    """Lists the peers of an objective as `(kind, directory)`."""
    if objective == "mpnet":
        return [("annotated_mpnet", directory) for directory in _PEER_DIRS.value]
    if objective == "glm":
        return [("glm", _GLM_DIR.value)] if _GLM_DIR.value else []
    return [("bert", "")] if importlib.util.find_spec("transformers") else []


def _measure(case, peer):
    kind, directory = peer
    with tempfile.TemporaryDirectory() as folder:
        case = {**case, "batch": os.path.join(folder, "batch.npz")}
        # Ours first, which writes the batch.
        ours = StepProcess("pretraining_peers_ours.py", case)
        peer_case = {**case, "kind": kind, "peer": directory}
        theirs = StepProcess("pretraining_peers_torch.py", peer_case)
        turns = {"ours": [], "theirs": []}
        for _ in range(_TURNS.value):
            turns["ours"].append(ours.steps(_STEPS.value))
            turns["theirs"].append(theirs.steps(_STEPS.value))
        ours.close()
        theirs.close()
    seconds = {side: [seconds for seconds, *_ in rates] for side, rates in turns.items()}
    result = {"peer": os.path.basename(directory.rstrip("/")) or kind}
    for key in ("objective", "dtype", "rows", "sequence_length"):
        result[key] = case[key]
    for side, rates in turns.items():
        median, of_processor, tokens = np.median(rates, axis=0)
        result[side] = {
            "step_seconds": rounded(median),
            "processor_seconds": rounded(of_processor),
            "tokens_per_second": rounded(tokens / median),
        }
    return {**result, "ratio": ratios(seconds["theirs"], to=seconds["ours"])}


if __name__ == "__main__":
    app.run(main)
