"""The vocabulary trainer and `mpnet-train-vocab`."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from data_prep import vocabulary as trainer
from mpnet_tf.data import vocabulary
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TEXTS = [
    "The lower the tide, the lower the boat.\nLowest tides: new & full moon.",
    "Caf\u00e9s by the tide; the caf\u00e9's boats. \u4e2d\u6587 the end\u2e43the end\u2e43",
]


def train_in_another_process(*arguments, hash_seed="0", threads="2"):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "RAYON_NUM_THREADS": threads}
    environment["PYTHONPATH"] = str(REPOSITORY)
    return subprocess.run(
        [sys.executable, "-m", "mpnet_tf.cli.train_vocab", *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_words_are_those_of_the_tokenizer():
    counts = trainer.count_words(TEXTS, lowercase=True)
    assert counts["the"] == 7
    assert counts["lower"] == 2
    assert counts["cafe"] == 1
    assert counts["."] == 3
    assert counts["\u4e2d"] == counts["\u6587"] == counts["&"] == 1
    # A character that TensorFlow Text alone would split off stays in its word.
    assert counts["end\u2e43the"] == 1
    assert "caf\u00e9" in trainer.count_words(TEXTS, lowercase=False)


def test_counts_do_not_depend_on_how_texts_are_batched(monkeypatch):
    counts = trainer.count_words(TEXTS * 3, lowercase=True)
    for texts, characters in ((1, 1 << 20), (256, 80)):
        monkeypatch.setattr(trainer, "_TEXTS_PER_BATCH", texts)
        monkeypatch.setattr(trainer, "_CHARACTERS_PER_BATCH", characters)
        assert trainer.count_words(TEXTS * 3, lowercase=True) == counts


def test_rare_words_are_forgotten_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(trainer, "MAX_WORDS", 4)
    monkeypatch.setattr(trainer, "_TEXTS_PER_BATCH", 1)
    # The fifth word comes with the third text, where the counts are 3, 2, 2, 1, 1 and the median
    # is 2; then with the fifth, where they are 4, 1, 1, 1, 1.
    texts = ["a a a b", "b c c", "d e", "d c b a", "f"]
    for num_texts, counts in ((3, {"a": 3}), (4, {"a": 4, "b": 1, "c": 1, "d": 1}), (5, {"a": 4})):
        assert trainer.count_words(texts[:num_texts], lowercase=True) == counts


def test_frequent_words_survive_any_number_of_rare_ones(monkeypatch):
    monkeypatch.setattr(trainer, "MAX_WORDS", 50)
    monkeypatch.setattr(trainer, "_TEXTS_PER_BATCH", 1)
    texts = [f"tide boat once{number} only{number} tide" for number in range(1000)]
    counts = trainer.count_words(texts, lowercase=True)
    assert (counts["tide"], counts["boat"]) == (2000, 1000)
    assert len(counts) <= 50


def test_pieces_are_merged_by_frequency_then_by_id():
    # By hand: `a ##b` 3 times; `x ##b`, `##b ##c` and `##c ##d` twice each, of which the first
    # has the lowest ids; then `##c ##d` before `xb ##c`; then `xb ##cd`. No other pair is left.
    texts = ["ab ab ab xbcd xbcd"]
    first = ["<s>", "<pad>", "</s>", "[UNK]", "a", "b", "c", "d", "x", "##b", "##c", "##d"]
    tokens = trainer.train_vocabulary(texts, size=100)
    last = ["<|startofpiece|>", "<|endofpiece|>", "[gMASK]", "[sMASK]", "<mask>"]
    assert tokens == [*first, "ab", "xb", "##cd", "xbcd", *last]
    assert trainer.train_vocabulary(texts, size=19) == [*first, "ab", "xb", *last]


def test_trained_vocabulary_serves_the_tokenizer():
    tokens = trainer.train_vocabulary(TEXTS, size=60)
    vocabulary.check_vocabulary(tokens, source="trained")
    assert len(tokens) == 60
    assert tokens[:4] == ["<s>", "<pad>", "</s>", "[UNK]"]
    assert tokens[-1] == "<mask>"
    tokenizer = MPNetTokenizer(tokens)
    ids = tokenizer(TEXTS).flat_values.numpy().tolist()
    assert tokenizer.unk_token_id not in ids


def test_order_of_the_texts_does_not_matter():
    tokens = trainer.train_vocabulary(TEXTS, size=60)
    assert trainer.train_vocabulary(iter(reversed(TEXTS)), size=60) == tokens


def test_words_that_are_never_found_teach_nothing():
    overlong = "x" * 101
    too_many_bytes = "\U0001f600" * 70
    reserved = "y\U0010ff00z"
    texts = ["the the", *[f"{word} {word}" for word in (overlong, too_many_bytes, reserved)]]
    tokens = trainer.train_vocabulary(texts, size=100)
    assert tokens[4:-5] == ["e", "h", "t", "##e", "##h", "th", "the"]


def test_rare_characters_are_left_out(monkeypatch):
    monkeypatch.setattr(trainer, "MAX_ALPHABET_SIZE", 2)
    # `c` and `d` are as frequent as each other: the lower code point stays.
    tokens = trainer.train_vocabulary(["aa ac dd cd aa d"], size=100)
    assert [token for token in tokens[4:-5] if len(token) == 1] == ["a", "d"]
    assert not any("c" in token for token in tokens[4:-5])


@pytest.mark.parametrize(
    ("texts", "size", "message"),
    [
        (["", " \n"], 100, r"holds no words to train a vocabulary on"),
        (["abc"], 13, r"of 13 tokens cannot hold .* Ask for at least 14\."),
    ],
)
def test_bad_request_is_refused(texts, size, message):
    with pytest.raises(ValueError, match=message):
        trainer.train_vocabulary(texts, size=size)


def test_smallest_size_that_the_message_names_is_accepted():
    assert len(trainer.train_vocabulary(["abc"], size=14)) == 14


def test_other_processes_write_the_same_file(tmp_path):
    text = tmp_path / "text.txt"
    # Many pairs with equal counts, which a hash table would put in any order.
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    text.write_text(" ".join(a + b for a in syllables for b in syllables), encoding="utf-8")
    contents = set()
    for seed, threads in (("1", "1"), ("2", "2")):
        output = tmp_path / f"vocab{seed}.txt"
        result = train_in_another_process(
            f"--input={text}",
            "--size=150",
            f"--output={output}",
            "--json",
            hash_seed=seed,
            threads=threads,
        )
        assert result.returncode == 0, result.stderr
        figures = json.loads(result.stdout.splitlines()[-1])
        assert figures == {
            "vocabulary": str(output),
            "kind": "wordpiece",
            "vocabulary_size": 150,
            "lowercase": True,
            "documents_read": 1,
            "documents_sampled": 1,
        }
        contents.add(output.read_bytes())
    assert len(contents) == 1
    assert len(vocabulary.read_vocabulary(output)) == 150


def test_program_refuses_bad_input_in_one_line(tmp_path):
    output = tmp_path / "vocab.txt"
    result = train_in_another_process(f"--input={tmp_path}/no*.txt", f"--output={output}")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "no*.txt" in result.stderr
    assert not output.exists()
