"""Pattern files, and those of GLUE's tasks."""

import json

import pytest

from mpnet_tf.finetuning.cloze_pattern_file import cloze_pattern_of_glue, read_cloze_pattern
from mpnet_tf.finetuning.glue_tasks import GLUE_TASKS
from mpnet_tf.models import ClozePattern, GLMClozePreprocessor, GLMTokenizer
from tests.models.wordpiece_reference import berts_vocabulary

CLASSIFICATIONS = [name for name, task in GLUE_TASKS.items() if task.kind == "classification"]


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_a_file_is_read(tmp_path):
    fields = {"pattern": "{text} It was [MASK].", "verbalizers": {"b": "bad", "a": "good"}}
    pattern = read_cloze_pattern(write(tmp_path / "mine.json", fields))
    assert pattern == ClozePattern(**fields) and pattern.class_names == ("b", "a")


@pytest.mark.parametrize("name", CLASSIFICATIONS)
def test_a_task_of_glue_has_a_pattern_for_its_classes(name):
    task, pattern = GLUE_TASKS[name], cloze_pattern_of_glue(name)
    assert pattern.class_names == task.labels
    (file, *_) = task.splits["test"]
    assert pattern.has_pair == (file.pair is not None)
    # Words that every English vocabulary has whole.
    assert all(words.isalpha() for words in pattern.verbalizers.values())


def test_the_words_are_single_tokens_of_glms_vocabulary(shared_data):
    blank_tokens = ["<|startofpiece|>", "<|endofpiece|>", "[gMASK]", "[sMASK]"]
    tokenizer = GLMTokenizer([*berts_vocabulary(shared_data), *blank_tokens])
    for name in CLASSIFICATIONS:
        pattern = cloze_pattern_of_glue(name)
        x = (["Red wine."], ["White wine!"]) if pattern.has_pair else ["Red wine."]
        slots = GLMClozePreprocessor(tokenizer, pattern)(x)
        assert slots["span_token_ids"].shape == (1, len(pattern.class_names), 1)
        whole = pattern.pattern.replace("{text}", "Red wine.").replace("{pair}", "White wine!")
        expected = tokenizer(f"[CLS] {whole} [SEP]").numpy().tolist()
        assert slots["token_ids"][0, : len(expected)].numpy().tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", r"mine\.json cannot be read"),
        ([1], r"mine\.json must hold a JSON object"),
        ({"pattern": "{text} [MASK]"}, r"mine\.json: the fields must be pattern and verbalizers"),
        (
            {"pattern": "{text} [MASK]", "verbalizers": {}, "metric": "f1"},
            r"mine\.json: the fields must be .* Received: pattern, verbalizers, metric",
        ),
        (
            {"pattern": "{text}", "verbalizers": {"0": "a", "1": "b"}},
            r"mine\.json: `pattern` must have one blank",
        ),
    ],
)
def test_a_bad_file_is_named(value, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_cloze_pattern(write(tmp_path / "mine.json", value))


def test_a_regression_has_no_pattern():
    with pytest.raises(ValueError, match=r"`name` must be .*cola, mnli, .*Received: name='stsb'"):
        cloze_pattern_of_glue("stsb")
