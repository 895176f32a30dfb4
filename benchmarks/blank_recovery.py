"""How often blanks of 1 to 8 tokens in held-out text are filled with what stood there.

Prints a JSON line for each length: the share of blanks that a GLM and a masked language model fill
with exactly the tokens of the text (`glm`, `mlm`), and of the GLM the share of blanks that get the
right number of tokens (`glm_length`). The GLM finds out by itself how long a blank is and writes it
from left to right, the likeliest token first; the MLM is given as many masks as there are tokens,
and fills the most certain one first, each with regard to those before. A last line tells of
writing: of texts continued up to the limit, the share that ended by itself.

    python benchmarks/blank_recovery.py --glm=runs/glm/preset --mlm=runs/mlm/preset \\
        --input='corpus/*.txt'
"""

import json
import os

from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mpnet_tf.quiet_start import silenced_stderr

with silenced_stderr():
    import keras_hub
    import tensorflow as tf
    import tensorflow_text  # noqa: F401

import numpy as np

from data_prep.holdout import is_held_out
from data_prep.readers import read_documents
from mpnet_tf.data.vocabulary import CONTINUATION_PREFIX
from mpnet_tf.models import GLMCausalLM, TransformerMaskedLM

_GLM = flags.DEFINE_string("glm", None, "Preset of a GLM body.", required=True)
_MLM = flags.DEFINE_string(
    "mlm", None, "Preset of another body, with the same vocabulary.", required=True
)
_INPUT = flags.DEFINE_multi_string("input", None, "Text files that both were trained on.")
_HELDOUT_SHARE = flags.DEFINE_float("heldout_share", 0.05, "Share that the runs held out.")
_BLANKS = flags.DEFINE_integer("blanks", 200, "Blanks of each length.", lower_bound=1)
_NEW_TOKENS = flags.DEFINE_integer("new_tokens", 64, "Limit of what is written.", lower_bound=1)

_LENGTHS = range(1, 9)
# Tokens around a blank, on both sides together.
_CONTEXT = 40
_BATCH = 50


def main(argv):
    """Measures and prints."""
    del argv
    glm, mlm = GLMCausalLM.from_preset(_GLM.value), TransformerMaskedLM.from_preset(_MLM.value)
    glm.compile(sampler="greedy", jit_compile=False)
    vocabulary = glm.preprocessor.tokenizer.get_vocabulary()
    assert vocabulary == mlm.preprocessor.tokenizer.get_vocabulary()
    lines = _heldout_lines(glm.preprocessor.tokenizer)
    generator = np.random.default_rng(0)
    for length in _LENGTHS:
        examples = _cut_blanks(lines, vocabulary, length, generator)
        print(json.dumps({"length": length, **_filled(glm, mlm, examples, length)}), flush=True)
    print(json.dumps(_written(glm, lines, generator)), flush=True)


def _heldout_lines(tokenizer):
    """Lists the token ids of the lines of held-out documents, without unknown tokens."""
    documents = read_documents(_INPUT.value)
    texts = [
        line
        for document in documents
        if is_held_out(document, _HELDOUT_SHARE.value)
        for line in document.splitlines()
    ]
    unknown = tokenizer.token_to_id("[UNK]")
    rows = [np.array(row) for row in tokenizer(texts).to_list()]
    return [row for row in rows if len(row) >= _CONTEXT and unknown not in row]


def _cut_blanks(lines, vocabulary, length, generator):
    """Cuts whole words of so many tokens out of random lines: what is before, in it, and behind."""
    begins_word = np.array([not token.startswith(CONTINUATION_PREFIX) for token in vocabulary])
    examples = []
    while len(examples) < _BLANKS.value:
        row = lines[generator.integers(len(lines))]
        begin = generator.integers(len(row) - _CONTEXT + 1)
        row = row[begin : begin + _CONTEXT]
        place = generator.integers(1, _CONTEXT - length)
        if begins_word[row[0]] and begins_word[row[place]] and begins_word[row[place + length]]:
            examples.append((row[:place], row[place : place + length], row[place + length :]))
    return examples


def _filled(glm, mlm, examples, length):
    glm_hits, mlm_hits, glm_lengths = 0, 0, 0
    for begin in range(0, len(examples), _BATCH):
        some = examples[begin : begin + _BATCH]
        wanted = [target.tolist() for _, target, _ in some]
        by_glm = glm.fill(_with_masks(glm, some, 1), max_new_tokens=2 * _LENGTHS[-1])
        by_mlm = mlm.fill(_with_masks(mlm, some, length))
        glm_tokens = [list(text.token_ids[0]) for text in by_glm]
        mlm_tokens = [
            [mlm.preprocessor.tokenizer.token_to_id(guess.token) for guess in text.guesses]
            for text in by_mlm
        ]
        glm_hits += sum(found == target for found, target in zip(glm_tokens, wanted, strict=True))
        mlm_hits += sum(found == target for found, target in zip(mlm_tokens, wanted, strict=True))
        glm_lengths += sum(len(found) == length for found in glm_tokens)
    shares = {"glm": glm_hits, "mlm": mlm_hits, "glm_length": glm_lengths}
    return {name: count / len(examples) for name, count in shares.items()}


def _with_masks(model, examples, num_masks):
    tokenizer = model.preprocessor.tokenizer
    mask = tokenizer.id_to_token(tokenizer.mask_token_id)
    before = _texts(tokenizer, [row for row, _, _ in examples])
    after = _texts(tokenizer, [row for _, _, row in examples])
    masks = " ".join([mask] * num_masks)
    return [f"{first} {masks} {second}" for first, second in zip(before, after, strict=True)]


def _texts(tokenizer, rows):
    texts = tokenizer.detokenize(tf.ragged.constant([row.tolist() for row in rows]))
    return [text.decode() for text in texts.numpy()]


def _written(glm, lines, generator):
    rows = [lines[generator.integers(len(lines))][:20] for _ in range(_BATCH)]
    prompts = _texts(glm.preprocessor.tokenizer, rows)
    ended = {}
    for name, sampler in (
        ("greedy", keras_hub.samplers.GreedySampler()),
        ("top_p", keras_hub.samplers.TopPSampler(p=0.9, seed=1)),
    ):
        glm.compile(sampler=sampler, jit_compile=False)
        lengths = [
            len(text.token_ids[0]) for text in glm.fill(prompts, max_new_tokens=_NEW_TOKENS.value)
        ]
        assert max(lengths) <= _NEW_TOKENS.value
        ended[f"ended_{name}"] = sum(count < _NEW_TOKENS.value for count in lengths) / len(lengths)
        ended[f"mean_tokens_{name}"] = float(np.mean(lengths))
    return {"limit": _NEW_TOKENS.value, **ended}


if __name__ == "__main__":
    app.run(main)
