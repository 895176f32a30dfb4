"""mpnet-export as a user runs it."""

import json
import re

import pytest
import tensorflow as tf
import tokenizers

from mpnet_tf.models import GLMCausalLM, GLMCausalLMPreprocessor, GLMMaskedLM, open_tokenizer
from tests.cli.forked_binary import run_cases
from tests.serving.tiny_models import randomize, tiny_model, tiny_writer

DONE, FAILED, WRONG_USAGE = 0, 1, 2
# The preset, what is given besides, the exit status, and what is told.
CASES = {
    "fill_mask and more": (
        "masked_lm",
        ["--task=fill_mask", "--task=score", "--task=embed", "--top_k=2", "--json"],
        DONE,
        '"fill_mask_token_ids", "score", "score_token_ids", "embed"',
    ),
    "int8": ("masked_lm", ["--task=embed", "--weight_dtype=int8"], DONE, "embed, 32 rows: "),
    "a body alone": ("body", ["--task=embed"], DONE, "embed_token_ids"),
    "a run of GLM": ("run", ["--task=generate", "--task=score"], DONE, "score_continuation"),
    "a pattern": (
        "run",
        ["--task=classify", "--pattern=FOLDER/pattern.json"],
        DONE,
        "1: classify",
    ),
    "a pattern without GLM": (
        "masked_lm",
        ["--task=classify", "--pattern=FOLDER/pattern.json"],
        FAILED,
        "must be left out for a model that is no GLM",
    ),
    "no pattern": ("run", ["--task=classify", "--pattern=none.json"], FAILED, "none.json"),
    "ids alone": ("byte_pairs", ["--task=generate"], DONE, ": generate_token_ids"),
    "no text of byte pairs": ("byte_pairs", ["--task=score"], FAILED, "is a TensorFlow op"),
    "another task": (
        "masked_lm",
        ["--task=classify"],
        FAILED,
        "a MPNetMaskedLM: fill_mask or embed or score",
    ),
    "no such task": ("masked_lm", ["--task=translate"], WRONG_USAGE, "fill_mask|embed|classify"),
    "no task": ("masked_lm", [], WRONG_USAGE, "--task"),
    "no version": ("masked_lm", ["--task=embed", "--output=mine"], FAILED, "number of a version"),
    "no such release": ("masked_lm", ["--task=embed", "--since=1.0"], FAILED, "one of 2.12.1"),
    "no preset": ("nothing", ["--task=embed"], FAILED, "no such directory"),
    "too many guesses": ("masked_lm", ["--task=fill_mask", "--top_k=999"], FAILED, "`top_k` must"),
}


def byte_pair_writer(folder):
    """Makes a tiny `GLMCausalLM` with a byte-level BPE vocabulary."""
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train_from_iterator(
        ["the cat sat"] * 9, vocab_size=280, special_tokens=["<|endoftext|>"]
    )
    folder.mkdir()
    trained.save_model(str(folder))
    tokenizer = open_tokenizer(str(folder))
    backbone = GLMMaskedLM.backbone_cls(
        tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=24,
    )
    model = GLMCausalLM(backbone, GLMCausalLMPreprocessor(tokenizer))
    randomize(model)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("exports")
    masked_lm = tiny_model("masked_lm", "mpnet")
    masked_lm.save_to_preset(str(path / "masked_lm"))
    masked_lm.backbone.save_to_preset(str(path / "body"))
    masked_lm.preprocessor.tokenizer.save_to_preset(str(path / "body"))
    (path / "run").mkdir()
    writer = tiny_writer()
    tokenizer = writer.preprocessor.tokenizer
    masked_lm = GLMMaskedLM(writer.backbone, lm_head=writer.lm_head)
    masked_lm.save_to_preset(str(path / "run" / "preset"))
    tokenizer.save_to_preset(str(path / "run" / "preset"))
    (path / "run" / "config.json").write_text("{}")
    pattern = {"pattern": "{text} ? [MASK]", "verbalizers": {"no": "red", "yes": "big blue"}}
    (path / "pattern.json").write_text(json.dumps(pattern))
    byte_pair_writer(path / "byte_pair_files").save_to_preset(str(path / "byte_pairs"))
    return path


@pytest.fixture(scope="module")
def answers(folder):
    return run_cases(
        "mpnet_tf.cli.export",
        "mpnet-export",
        {
            name: [
                f"--preset={folder / preset}",
                f"--output={folder / 'models' / name / '1'}",
                *(argument.replace("FOLDER", str(folder)) for argument in arguments),
            ]
            for name, (preset, arguments, _, _) in CASES.items()
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_each_case_ends_as_it_should(answers, folder, name):
    _, _, status, told = CASES[name]
    found, output = answers[name]
    assert found == status, output
    assert told in output
    assert "Traceback" not in output
    assert (folder / "models" / name / "1" / "saved_model.pb").exists() == (status == DONE)


def test_what_is_served_together_is_in_one_model(folder, answers):
    assert answers["fill_mask and more"][0] == DONE
    directory = folder / "models" / "fill_mask and more" / "1"
    model = tf.saved_model.load(directory)
    answer = model.signatures["serving_default"](text=tf.constant(["the <mask> sat"]))
    assert answer["tokens"].shape == (1, 1, 2)
    assert model.signatures["embed"](text=tf.constant(["the cat"]))["embedding"].shape == (1, 16)
    assert (directory / "assets.extra" / "tf_serving_warmup_requests").exists()


def test_the_readme_has_requests_that_fit_the_signatures(folder, answers):
    assert answers["fill_mask and more"][0] == DONE
    directory = folder / "models" / "fill_mask and more" / "1"
    text = (directory / "README.md").read_text(encoding="utf-8")
    model = tf.saved_model.load(directory)
    bodies = [json.loads(body) for body in re.findall(r"-d '(.*)'", text)]
    names = set(model.signatures) - {"serving_default"}
    assert {body["signature_name"] for body in bodies} == names and len(bodies) == len(names)
    for body in bodies:
        signature = model.signatures[body["signature_name"]]
        specs = signature.structured_input_signature[1]
        for row in body["instances"]:
            # The server's REST API wants every input.
            assert set(row) == set(specs)
    for name in names:
        assert f"### {name}\n" in text
        assert f"| `{name}` | 32 | " in text
