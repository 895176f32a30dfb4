"""Answers of SavedModels beside those of sentence-transformers and transformers' pipelines.

Prints one JSON line. A random MPNet is made by transformers and converted; each library answers the
same raw texts in a process of its own with the same number of threads, and they take turns, so that
what else the machine does slows both. Ratios are of the peer's seconds to ours in the same turn:
above 1 is faster. `--embedder` takes a directory of sentence-transformers for `embed` in place of
the random one.

    python benchmarks/serving.py --vocab=vocab.txt --input=text.txt
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from absl import app, flags
from turns import ratios, rounded

_VOCAB = flags.DEFINE_string("vocab", None, "Vocabulary of BERT's kind.", required=True)
_INPUT = flags.DEFINE_string("input", None, "Text file to take the texts from.", required=True)
_EMBEDDER = flags.DEFINE_string("embedder", None, "Directory of sentence-transformers.")
_SIZE = flags.DEFINE_enum("size", "base", ["base", "small"], "Size of the random MPNet.")
_TASKS = flags.DEFINE_list("tasks", ["embed", "classify", "fill_mask"], "What to measure.")
_TURNS = flags.DEFINE_integer("turns", 5, "Answers of each to each request.")
_THREADS = flags.DEFINE_integer("threads", 2, "Threads of each.")
_ROLE = flags.DEFINE_enum(
    "role", None, ["make", "export", "ours", "peer"], "A part of it; for this program itself."
)
_TASK = flags.DEFINE_string("one_task", None, "The task of this part; for this program itself.")
_FOLDER = flags.DEFINE_string("folder", None, "Where the models are; for this program itself.")

_SEQUENCE_LENGTH = 256
_SIZES = {
    "base": {},
    "small": {
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "hidden_size": 256,
        "intermediate_size": 1024,
    },
}
_PIPELINES = {"classify": "text-classification", "fill_mask": "fill-mask"}
# Requests: rows, and the least and most words of a text.
_REQUESTS = {
    "short, 1 row": (1, 8, 20),
    "short, 32 rows": (32, 5, 30),
    "256 tokens, 1 row": (1, 400, 400),
    "256 tokens, 32 rows": (32, 400, 400),
}


def main(argv):
    """Measures and prints."""
    del argv
    if _ROLE.value is not None:
        _ROLES[_ROLE.value]()
        return
    with tempfile.TemporaryDirectory() as folder:
        if _EMBEDDER.value:
            os.symlink(os.path.abspath(_EMBEDDER.value), os.path.join(folder, "embed"))
        result = {"size": _SIZE.value, "turns": _TURNS.value, "threads": _THREADS.value}
        for task in _TASKS.value:
            if not os.path.exists(os.path.join(folder, task)):
                _start("make", task, folder).communicate()
            _start("export", task, folder).communicate()
            result[task] = _measure(task, folder)
    print(json.dumps(result))


def _start(role, task, folder):
    arguments = [f"--role={role}", f"--one_task={task}", f"--folder={folder}"]
    return subprocess.Popen(
        [sys.executable, *sys.argv, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": str(_THREADS.value)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _measure(task, folder):
    cases = {role: _start(role, task, folder) for role in ("ours", "peer")}
    figures = {}
    try:
        for request in _REQUESTS:
            times = {role: [] for role in cases}
            # The first answer of each is to warm up.
            for _ in range(_TURNS.value + 1):
                for role, process in cases.items():
                    times[role].append(_answer(process, request))
            ours, peer = times["ours"][1:], times["peer"][1:]
            figures[request] = {
                "our_milliseconds": rounded(1000 * np.median(ours)),
                "peer_milliseconds": rounded(1000 * np.median(peer)),
                "times_as_fast": ratios(peer, ours),
            }
    finally:
        for process in cases.values():
            process.kill()
            process.wait()
    return figures


def _answer(process, request):
    print(request, file=process.stdin, flush=True)
    return float(process.stdout.readline())


def _texts(request):
    num_rows, least, most = _REQUESTS[request]
    with open(_INPUT.value, encoding="utf-8") as file:
        words = file.read().split()
    generator = np.random.default_rng(num_rows + most)
    texts = []
    for _ in range(num_rows):
        begin = generator.integers(len(words) - most)
        chosen = words[begin : begin + generator.integers(least, most + 1)]
        if _TASK.value == "fill_mask":
            chosen[1] = "<mask>"
        texts.append(" ".join(chosen))
    return texts


def _make():
    """Makes the random model as transformers, or sentence-transformers, saves it."""
    import torch
    import transformers

    torch.manual_seed(1)
    target = os.path.join(_FOLDER.value, _TASK.value)
    with open(_VOCAB.value, encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    specials = ["<s>", "<pad>", "</s>", "[UNK]"]
    vocabulary = [*specials, *(word for word in words if word not in specials), "<mask>"]
    tokenizer = transformers.MPNetTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)},
        model_max_length=_SEQUENCE_LENGTH,
    )
    config = transformers.MPNetConfig(vocab_size=len(vocabulary), **_SIZES[_SIZE.value])
    classes = {
        "embed": transformers.MPNetModel,
        "classify": transformers.MPNetForSequenceClassification,
        "fill_mask": transformers.MPNetForMaskedLM,
    }
    model = classes[_TASK.value](config)
    body = f"{target}.body" if _TASK.value == "embed" else target
    model.save_pretrained(body)
    tokenizer.save_pretrained(body)
    if _TASK.value == "embed":
        from sentence_transformers import SentenceTransformer, models

        transformer = models.Transformer(body, max_seq_length=_SEQUENCE_LENGTH)
        width = config.hidden_size
        SentenceTransformer(modules=[transformer, models.Pooling(width), models.Normalize()]).save(
            target
        )


def _export():
    from mpnet_tf.serving.export import export
    from mpnet_tf.serving.served_tasks import ServingSettings

    export(
        os.path.join(_FOLDER.value, _TASK.value),
        [_TASK.value],
        os.path.join(_FOLDER.value, f"{_TASK.value}.served", "1"),
        settings=ServingSettings(sequence_length=_SEQUENCE_LENGTH),
    )


def _ours():
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 -- the ops of the tokenizer

    tf.config.threading.set_intra_op_parallelism_threads(_THREADS.value)
    folder = os.path.join(_FOLDER.value, f"{_TASK.value}.served", "1")
    # A signature lives no longer than its model.
    model = tf.saved_model.load(folder)
    function = model.signatures["serving_default"]

    def answer(texts):
        for values in function(text=tf.constant(texts)).values():
            values.numpy()

    _answer_requests(answer)


def _peer():
    import torch

    torch.set_num_threads(_THREADS.value)
    folder = os.path.join(_FOLDER.value, _TASK.value)
    if _TASK.value == "embed":
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(folder, device="cpu")
        model.max_seq_length = _SEQUENCE_LENGTH
        _answer_requests(lambda texts: model.encode(texts, batch_size=32))
        return
    import transformers

    settings = {"truncation": True, "max_length": _SEQUENCE_LENGTH}
    if _TASK.value == "fill_mask":
        settings = {"tokenizer_kwargs": settings}
    pipeline = transformers.pipeline(_PIPELINES[_TASK.value], model=folder, device="cpu")
    _answer_requests(lambda texts: pipeline(texts, batch_size=32, **settings))


def _answer_requests(answer):
    for line in sys.stdin:
        texts = _texts(line.strip())
        begin = time.perf_counter()
        answer(texts)
        print(time.perf_counter() - begin, flush=True)


_ROLES = {"make": _make, "export": _export, "ours": _ours, "peer": _peer}


if __name__ == "__main__":
    app.run(main)
