"""Training on texts of all lengths: packed rows beside batches padded to their longest text.

Prints a JSON line for each size and peer. Ours packs documents into rows of `--sequence_length`;
annotated-mpnet takes a line for an example, cuts it to that length and pads it to the longest of
its batch of 16. Each side runs its own input pipeline, model and training step on real text, in
turns; a rate counts text tokens, without padding, specials and what was cut off. `ratio` is of our
rate to the peer's in the same turn.

    python benchmarks/packed_text.py --input='corpus/*.txt' --vocab=vocab.txt \
        --peer_dir=annotated-mpnet

`--peer_dir` names a checkout of annotated-mpnet or of its fork, with its Cython extension built
(repeatable); without one nothing is measured.
"""

import json
import os
import tempfile

import numpy as np
from absl import app, flags
from input_peers_text import file_patterns
from step_process import StepProcess
from turns import ratios, rounded

_INPUT = flags.DEFINE_multi_string("input", None, "Globs of text files.", required=True)
_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary of BERT's kind.", required=True)
_PEER_DIRS = flags.DEFINE_multi_string("peer_dir", [], "Checkouts of annotated-mpnet.")
_SIZES = flags.DEFINE_list("sizes", ["small", "base"], "Which of small and base to measure.")
_LENGTH = flags.DEFINE_integer("sequence_length", 512, "Tokens in a row.")
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 2, "Steps in a turn.", lower_bound=1)

# annotated-mpnet's default.
_PEER_ROWS = 16
_SIZES_BY_NAME = {
    "small": {
        "rows": 8,
        "model": {"num_layers": 4, "num_heads": 4, "hidden_dim": 256, "intermediate_dim": 1024},
    },
    "base": {"rows": 4, "model": {}},
}


def main(argv):
    """Measures and prints."""
    del argv
    if not _PEER_DIRS.value:
        print(json.dumps({"skipped": "annotated-mpnet", "why": "no --peer_dir"}))
    with tempfile.TemporaryDirectory() as folder:
        # One file, so that a batch has lines of all.
        with open(os.path.join(folder, "text.txt"), "w", encoding="utf-8") as joined:
            for path in file_patterns(_INPUT.value):
                with open(path, encoding="utf-8") as file:
                    print(file.read(), end="\n\n", file=joined)
        for size in _SIZES.value:
            for directory in _PEER_DIRS.value:
                print(json.dumps({"size": size, **_measure(size, directory, folder)}), flush=True)


def _measure(size, directory, folder):
    case = {
        **_SIZES_BY_NAME[size],
        "sequence_length": _LENGTH.value,
        "input": [os.path.join(folder, "text.txt")],
        "vocab": _VOCAB.value,
        "folder": folder,
        "peer": directory,
    }
    sides = {
        "ours": StepProcess("packed_text_ours.py", case),
        "theirs": StepProcess("packed_text_annotated.py", {**case, "rows": _PEER_ROWS}),
    }
    turns = {side: [] for side in sides}
    for _ in range(_TURNS.value):
        for side, process in sides.items():
            turns[side].append(process.steps(_STEPS.value))
    for process in sides.values():
        process.close()
    rates = {
        side: [tokens / seconds for seconds, _, tokens in figures]
        for side, figures in turns.items()
    }
    peer_tokens = np.mean(turns["theirs"], axis=0)[2]
    return {
        "peer": os.path.basename(directory.rstrip("/")),
        "rows": case["rows"],
        "sequence_length": case["sequence_length"],
        "our_tokens_per_second": rounded(np.median(rates["ours"])),
        "peer_tokens_per_second": rounded(np.median(rates["theirs"])),
        "peer_rows": _PEER_ROWS,
        "peer_tokens_per_row": rounded(peer_tokens / _PEER_ROWS),
        "ratio": ratios(rates["ours"], rates["theirs"]),
    }


if __name__ == "__main__":
    app.run(main)
