"""Measures one case of `conversion.py`, in a process that has used no memory before.

python benchmarks/conversion_of_case.py ours DIRECTORY
python benchmarks/conversion_of_case.py to_keras DIRECTORY OUTPUT
"""

import json
import os
import re
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def prepare(case):
    """Imports what a case needs.

    Args:
        case: str. "transformers" or "ours" loads a model; "to_keras" or "to_huggingface" converts.

    Returns:
        Function of the paths of the source and, to convert, the output.
    """
    if case == "transformers":
        import torch
        import transformers

        transformers.logging.disable_progress_bar()

        def load(source):
            model = transformers.MPNetForMaskedLM.from_pretrained(source)
            # Reads what is only mapped until now.
            return sum(torch.count_nonzero(parameter) for parameter in model.parameters())

        return load
    from mpnet_tf.quiet_start import silenced_stderr

    with silenced_stderr():
        import keras_hub  # noqa: F401
    import tensorflow as tf

    from mpnet_tf.models import MPNetMaskedLM
    from mpnet_tf.models.preset_conversion import convert

    # The runtime begins with the first op, as PyTorch's does with the import.
    tf.constant(0)
    if case == "ours":
        return MPNetMaskedLM.from_preset
    return lambda source, output: convert(source, output, to=case.removeprefix("to_"))


def measure(case, paths):
    """Runs a case once.

    Args:
        case: str, as `prepare` takes it.
        paths: list of str.

    Returns:
        dict of `seconds` and `peak_megabytes`, beyond what the process had after its imports.
    """
    work = prepare(case)
    before = _memory("VmRSS")
    begin = time.perf_counter()
    work(*paths)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "peak_megabytes": (_memory("VmHWM") - before) / 1e6}


def _memory(name):
    """Reads bytes from Linux: "VmRSS" now, "VmHWM" at most since the program began."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return 1024 * int(re.search(rf"{name}:\s*(\d+) kB", file.read())[1])


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2:])))
