"""mpnet-export: a model to a SavedModel that TensorFlow Serving loads, raw text in, answers out.

    mpnet-export --preset=tuned/preset --task=classify --output=models/sentiment/1
    mpnet-export --preset=runs/mine --task=fill_mask --task=embed --output=models/mine/1

The directory has a README.md with all signatures, requests to try and measured times.
docs/serving.md tells the rest.
"""

from absl import flags

from mpnet_tf.cli import application

_PRESET = flags.DEFINE_string(
    "preset",
    None,
    "Model to export: a preset, a run, or a directory of transformers or sentence-transformers.",
)
_TASK = flags.DEFINE_multi_enum(
    "task",
    None,
    ["fill_mask", "embed", "classify", "token_classify", "question_answer", "score", "generate"],
    "What the model is to answer; several are served by the same weights, the first by default.",
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Directory to write, not there yet: models/NAME/VERSION."
)
_PATTERN = flags.DEFINE_string(
    "pattern",
    None,
    "With --task=classify and a GLM that was only pretrained: a file with the pattern that asks "
    "for the class (docs/tasks.md).",
)
_SEQUENCE_LENGTH = flags.DEFINE_integer(
    "sequence_length", None, "Most tokens of a text. Default: as the model says.", lower_bound=3
)
_TOP_K = flags.DEFINE_integer(
    "top_k", 5, "Guesses for each blank where a request does not say.", lower_bound=1
)
_MAX_NEW_TOKENS = flags.DEFINE_integer(
    "max_new_tokens", 128, "Most tokens that are written into a blank.", lower_bound=1
)
_MAX_WINDOWS = flags.DEFINE_integer(
    "max_windows",
    64,
    "Rows that a long text may take in question_answer and token_classify; the rest is not read.",
    lower_bound=1,
)
_WEIGHT_DTYPE = flags.DEFINE_enum(
    "weight_dtype",
    "float32",
    ["float32", "float16", "int8"],
    "How weights are stored; a loaded model computes in float32 either way.",
)
_SINCE = flags.DEFINE_string(
    "since", "2.12.1", "First release of TensorFlow Serving that is to load the model."
)

flags.mark_flags_as_required(["preset", "task", "output"])


def main(argv):
    """Exports what the flags ask for and returns what was written."""
    del argv
    from mpnet_tf.cli.progress import announce
    from mpnet_tf.finetuning.cloze_pattern_file import read_cloze_pattern
    from mpnet_tf.serving.export import export
    from mpnet_tf.serving.served_tasks import ServingSettings

    settings = ServingSettings(
        sequence_length=_SEQUENCE_LENGTH.value,
        top_k=_TOP_K.value,
        max_new_tokens=_MAX_NEW_TOKENS.value,
        max_windows=_MAX_WINDOWS.value,
        weight_dtype=_WEIGHT_DTYPE.value,
    )
    signatures, latencies = export(
        _PRESET.value,
        _TASK.value,
        _OUTPUT.value,
        settings=settings,
        since=_SINCE.value,
        pattern=None if _PATTERN.value is None else read_cloze_pattern(_PATTERN.value),
    )
    for latency in latencies:
        announce(f"{latency.signature}, {latency.num_rows} rows: {latency.milliseconds:.1f} ms")
    announce(f"wrote {_OUTPUT.value}: {', '.join(signature.name for signature in signatures)}")
    return {
        "output": _OUTPUT.value,
        "signatures": [signature.name for signature in signatures],
        "latency_ms": {
            f"{latency.signature}/{latency.num_rows}": latency.milliseconds for latency in latencies
        },
    }


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
