"""A contrastive step of a small MPNet, plain and with gradient caching, beside that of
sentence-transformers.

Prints one JSON line. Each of the four trains in a process of its own, with the same sizes, random
tokens, AdamW and dropout, and they take turns at steps, so that what else the machine does slows
all of them. Ratios are of a turn's seconds to those of sentence-transformers in the same turn,
plain to plain and cached to cached.

    python benchmarks/embedding_training.py --turns=20
"""

import json
import os
import re
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from turns import ratios, rounded

_TURNS = flags.DEFINE_integer("turns", 10, "Steps of each.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Pairs in a step.")
_LENGTH = flags.DEFINE_integer("sequence_length", 64, "Tokens of a text.")
_CHUNK_SIZE = flags.DEFINE_integer("chunk_size", 16, "Texts in a chunk of gradient caching.")
_CASE = flags.DEFINE_enum(
    "case",
    None,
    ["plain", "cached", "peer_plain", "peer_cached"],
    "Takes the steps of one of them, each when a line comes in; for this program itself.",
)

_VOCABULARY_SIZE = 30527
_SIZES = {"num_layers": 4, "num_heads": 4, "hidden_dim": 256, "intermediate_dim": 1024}
_DROPOUT = 0.1
_LEARNING_RATE = 1e-4


def main(argv):
    """Measures and prints."""
    del argv
    if _CASE.value is not None:
        _take_steps(_CASE.value)
        return
    cases = {name: _start(name) for name in ("plain", "cached", "peer_plain", "peer_cached")}
    try:
        # The first step of each compiles.
        first = {name: _answer(process) for name, process in cases.items()}
        blocks = {name: [] for name in cases}
        for _ in range(_TURNS.value):
            for name, process in cases.items():
                blocks[name].append(_answer(process)["seconds"])
        last = {name: _answer(process) for name, process in cases.items()}
    finally:
        for process in cases.values():
            process.kill()
            process.wait()
    result = {
        "batch_size": _BATCH_SIZE.value,
        "sequence_length": _LENGTH.value,
        "chunk_size": _CHUNK_SIZE.value,
        "turns": _TURNS.value,
        "first_step_seconds": {name: rounded(one["seconds"]) for name, one in first.items()},
        "step_seconds": {name: rounded(np.median(times)) for name, times in blocks.items()},
        "peak_megabytes": {name: one["peak_megabytes"] for name, one in last.items()},
        "ratio_to_sentence_transformers": {
            name: ratios(blocks[name], blocks[f"peer_{name}"]) for name in ("plain", "cached")
        },
        "cached_to_plain": ratios(blocks["cached"], blocks["plain"]),
    }
    print(json.dumps(result))


def _start(case):
    return subprocess.Popen(
        [sys.executable, *sys.argv, f"--case={case}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _answer(process):
    """Has a process take a step, and returns what it tells of it."""
    print(file=process.stdin, flush=True)
    return json.loads(process.stdout.readline())


def _take_steps(case):
    step = _peer_step(case == "peer_cached") if "peer" in case else _own_step(case == "cached")
    before = _memory("VmRSS")
    for _ in sys.stdin:
        begin = time.perf_counter()
        step()
        seconds = time.perf_counter() - begin
        peak = round((_memory("VmHWM") - before) / 1e6)
        print(json.dumps({"seconds": seconds, "peak_megabytes": peak}), flush=True)


def _random_token_ids():
    shape = (2, _BATCH_SIZE.value, _LENGTH.value)
    return np.random.default_rng(0).integers(5, _VOCABULARY_SIZE - 1, shape)


def _own_step(is_cached):
    import keras
    import tensorflow as tf

    from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
    from mpnet_tf.finetuning.embedding_trainer import EmbeddingTrainer
    from mpnet_tf.models import MPNetBackbone, MPNetTextEmbedder

    backbone = MPNetBackbone(
        _VOCABULARY_SIZE, **_SIZES, dropout=_DROPOUT, attention_dropout=_DROPOUT
    )
    trainer = EmbeddingTrainer(
        MPNetTextEmbedder(backbone),
        MultipleNegativesRankingLoss(),
        chunk_size=_CHUNK_SIZE.value if is_cached else None,
    )
    trainer.compile(keras.optimizers.AdamW(_LEARNING_RATE))
    columns = tuple(
        {"token_ids": token_ids, "padding_mask": np.ones_like(token_ids)}
        for token_ids in _random_token_ids().astype(np.int32)
    )
    batches = iter(tf.data.Dataset.from_tensors((columns,)).repeat())
    trainer.make_train_function()
    return lambda: float(trainer.train_function(batches)["loss"])


def _peer_step(is_cached):
    import torch
    import transformers
    from sentence_transformers.sentence_transformer import losses

    class Embedder(torch.nn.Module):
        """The mean of the last hidden states; all tokens are real."""

        def __init__(self):
            super().__init__()
            config = transformers.MPNetConfig(
                vocab_size=_VOCABULARY_SIZE,
                num_hidden_layers=_SIZES["num_layers"],
                num_attention_heads=_SIZES["num_heads"],
                hidden_size=_SIZES["hidden_dim"],
                intermediate_size=_SIZES["intermediate_dim"],
                hidden_dropout_prob=_DROPOUT,
                attention_probs_dropout_prob=_DROPOUT,
            )
            self.body = transformers.MPNetModel(config, add_pooling_layer=False)

        def forward(self, features):
            hidden = self.body(**features).last_hidden_state
            return {"sentence_embedding": hidden.mean(dim=1)}

    # The cached loss looks at a model's first module.
    model = torch.nn.Sequential(Embedder()).train()
    loss = losses.MultipleNegativesRankingLoss(model)
    if is_cached:
        loss = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=_CHUNK_SIZE.value)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE)
    columns = [
        {"input_ids": token_ids, "attention_mask": torch.ones_like(token_ids)}
        for token_ids in torch.tensor(_random_token_ids())
    ]

    def step():
        value = loss([dict(features) for features in columns], None)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value.item()

    return step


def _memory(name):
    """Reads bytes from Linux: "VmRSS" now, "VmHWM" at most since the program began."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return 1024 * int(re.search(rf"{name}:\s*(\d+) kB", file.read())[1])


if __name__ == "__main__":
    app.run(main)
