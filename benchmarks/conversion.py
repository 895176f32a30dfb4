"""Time and memory of loading MPNet base from the files of `transformers`, beside `transformers`.

Prints a JSON line a case, each the best of several turns in processes of their own, after imports
(`conversion_of_case.py`). The weights are random, in a folder that is gone at the end. "ours" is
`MPNetMaskedLM.from_preset`, "transformers" its `from_pretrained`; "to_keras" and "to_huggingface"
are what `mpnet-convert` does, there and back. Ratios are to "transformers". Needs `.[interop]`.

    python benchmarks/conversion.py --turns=5
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers
from absl import app, flags
from turns import rounded

_TURNS = flags.DEFINE_integer("turns", 5, "How many times each case is measured.", lower_bound=1)
_LAYERS = flags.DEFINE_integer("layers", 12, "Layers of the model; base has 12.", lower_bound=1)

_PEER = "transformers"


def main(argv):
    """Measures and prints."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        theirs, keras_preset, back = (os.path.join(folder, name) for name in ("a", "b", "c"))
        num_parameters = _make_model(theirs)
        cases = {
            _PEER: [theirs],
            "ours": [theirs],
            "to_keras": [theirs, keras_preset],
            "to_huggingface": [keras_preset, back],
        }
        found = {case: [] for case in cases}
        for _ in range(_TURNS.value):
            for output in (keras_preset, back):
                shutil.rmtree(output, ignore_errors=True)
            for case, paths in cases.items():
                found[case].append(_measure(case, paths))
        _print(found, num_parameters)


def _make_model(directory):
    torch.manual_seed(0)
    # The defaults are those of base.
    config = transformers.MPNetConfig(num_hidden_layers=_LAYERS.value)
    model = transformers.MPNetForMaskedLM(config)
    model.save_pretrained(directory)
    return model.num_parameters()


def _measure(case, paths):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conversion_of_case.py")
    command = [sys.executable, script, case, *paths]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def _print(found, num_parameters):
    best = {
        case: {name: min(turn[name] for turn in turns) for name in turns[0]}
        for case, turns in found.items()
    }
    for case, figures in best.items():
        line = {
            "case": case,
            "parameters": num_parameters,
            "weights_megabytes": round(4 * num_parameters / 1e6),
            "turns": len(found[case]),
            "seconds": rounded(figures["seconds"]),
            "peak_megabytes": round(figures["peak_megabytes"]),
        }
        if case != _PEER:
            line["ratio_to_transformers"] = {
                name: rounded(value / best[_PEER][name]) for name, value in figures.items()
            }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    app.run(main)
