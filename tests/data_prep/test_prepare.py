"""Preparing shards: counts that add up, the same bytes whoever does the work, nothing half-done."""

import dataclasses
import errno
import filecmp
import gzip
import json
import os
import re
import resource
import subprocess
import sys

import numpy as np
import pytest

from data_prep import prepare, reference_text
from data_prep.holdout import is_held_out
from data_prep.pipeline import chunks, local_engine
from data_prep.readers import read_documents
from mpnet_tf.data import shard_writer
from mpnet_tf.data.manifest import hash_file, read_manifest
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from tests.data_prep.readers.wikipedia_dump import BEGIN, END, make_page

WORDS = ["alpha", "beta", "gamma", "delta"]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "##s", "<mask>"]
LENGTHS = [3, 1, 40, 7, 2, 90, 5, 11, 6, 24]


@pytest.fixture(scope="module")
def tokenizer():
    return MPNetTokenizer(VOCABULARY)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with some 60 documents in all four kinds of file."""
    folder = tmp_path_factory.mktemp("corpus")
    documents = [
        " ".join(WORDS[(seed * word) % 4] + "s" * (word % 2) for word in range(LENGTHS[seed % 10]))
        for seed in range(1, 61)
    ]
    json_lines = "\n".join(json.dumps({"text": document}) for document in documents[30:45])
    (folder / "a.txt").write_text("\n\n".join(documents[:15]))
    (folder / "b.txt.gz").write_bytes(gzip.compress("\n\n".join(documents[15:30]).encode()))
    (folder / "c.jsonl").write_text(json_lines)
    # One blank text, one of control characters alone, one line that is not UTF-8.
    (folder / "d.jsonl").write_bytes(
        b'{"text": " "}\n{"text": "\\u200b\\u0001"}\n{"text": "\xff"}\n'
        + json.dumps({"text": "alpha beta"}).encode()
    )
    return folder


@pytest.fixture
def prepared(corpus, tokenizer, tmp_path):
    output = tmp_path / "shards"
    prepare.prepare_shards([f"{corpus}/*"], tokenizer, output, heldout_share=0.3)
    return output


def files_of(directory):
    return sorted(
        os.path.relpath(os.path.join(path, name), directory)
        for path, _, names in os.walk(directory)
        for name in names
    )


def assert_same_bytes(first, second):
    names = files_of(first)
    assert names == files_of(second)
    _, different, errors = filecmp.cmpfiles(first, second, names, shallow=False)
    assert not different and not errors


def test_documents_are_kept_or_dropped_for_a_reason(prepared):
    manifest = read_manifest(prepared)
    assert manifest.reading == {
        "files": 4,
        "files_broken": 0,
        "files_empty": 0,
        "lines": 29 + 29 + 15 + 4,
        "lines_invalid_utf8": 1,
        "documents": 49,
        "documents_dropped_empty": 1,
        "documents_dropped_invalid_utf8": 1,
        "documents_dropped_malformed": 0,
    }
    (tokenize,) = manifest.steps
    assert tokenize["step"] == "tokenize" and tokenize["documents_in"] == 49 - 2
    assert tokenize["documents_dropped"] == {"no_tokens": 1}
    assert tokenize["examples"] == {
        "no_tokens": [{"file": "d.jsonl", "document": 1, "text": "\u200b\x01"}]
    }
    kept = sum(split.num_documents for split in manifest.splits.values())
    assert kept == 49 - 3


def test_shards_hold_the_tokens_of_each_document_in_order(corpus, prepared, tokenizer):
    documents = [document for document in read_documents([f"{corpus}/*"]) if "a" in document]
    manifest = read_manifest(prepared)
    for split, held_out in (("train", False), ("heldout", True)):
        chosen = [document for document in documents if is_held_out(document, 0.3) == held_out]
        assert chosen
        shards = TokenShards.open(prepared, split, tokenizer_fingerprint=tokenizer.fingerprint)
        expected = [tokenizer(document).numpy().tolist() for document in chosen]
        assert shards.document_lengths.tolist() == [len(tokens) for tokens in expected]
        everything = np.arange(shards.num_documents)
        tokens = shards.read(everything, 0 * everything, shards.document_lengths)
        assert tokens.tolist() == [token for document in expected for token in document]
        text_bytes = sum(len(document.encode()) for document in chosen)
        assert manifest.splits[split].text_bytes == text_bytes


def test_manifest_tells_what_was_read_and_how(corpus, prepared, tokenizer):
    manifest = read_manifest(prepared)
    assert manifest.sources == tuple(hash_file(path) for path in sorted(corpus.iterdir()))
    assert manifest.vocabulary_size == len(VOCABULARY)
    assert manifest.tokenizer_fingerprint == tokenizer.fingerprint
    assert manifest.settings == {
        "heldout_share": 0.3,
        "json_field": "text",
        "sources": {"input": 1.0},
        "steps": {},
        "tokens_per_shard": prepare.DEFAULT_TOKENS_PER_SHARD,
    }
    assert str(corpus) not in (prepared / "manifest.json").read_text()


def test_tokenizer_beside_the_shards_is_the_one_that_made_them(prepared, tokenizer):
    stored = MPNetTokenizer.from_preset(str(prepared / "tokenizer"))
    assert stored.fingerprint == tokenizer.fingerprint


def test_workers_and_chunks_change_no_byte(corpus, prepared, tokenizer, tmp_path, monkeypatch):
    patterns = [f"{corpus}/*"]
    monkeypatch.setattr(chunks, "CHARACTERS_PER_CHUNK", 100)
    prepare.prepare_shards(patterns, tokenizer, tmp_path / "chunks", heldout_share=0.3)
    assert_same_bytes(prepared, tmp_path / "chunks")
    monkeypatch.setattr(local_engine, "_MIN_BYTES_FOR_TOKENIZING_WORKERS", 0)
    workers = tmp_path / "workers"
    prepare.prepare_shards(patterns, tokenizer, workers, heldout_share=0.3, num_workers=2)
    assert_same_bytes(prepared, workers)


def test_small_shards_hold_the_same(corpus, prepared, tokenizer, tmp_path):
    small = tmp_path / "small"
    prepare.prepare_shards(
        [f"{corpus}/*"], tokenizer, small, heldout_share=0.3, tokens_per_shard=50
    )
    one, several = TokenShards.open(prepared, "train"), TokenShards.open(small, "train")
    assert len(list(small.glob("train-*.tokens"))) > 5
    np.testing.assert_array_equal(one.document_lengths, several.document_lengths)
    everything = np.arange(one.num_documents)
    pieces = (everything[::-1], 0 * everything, one.document_lengths[::-1])
    np.testing.assert_array_equal(one.read(*pieces), several.read(*pieces))


def test_default_corpus(tokenizer, tmp_path, monkeypatch):
    documents = reference_text.reference_documents()
    monkeypatch.setattr(reference_text, "reference_documents", lambda: documents)
    manifest = prepare.prepare_shards(None, tokenizer, tmp_path / "shards")
    heldout = manifest.splits["heldout"].num_documents
    assert heldout == sum(is_held_out(document, 0.05) for document in documents)
    assert manifest.splits["train"].num_documents == len(documents) - heldout
    assert manifest.sources[0].name.startswith("reference text of CPython 3.")


def test_existing_output_is_refused_or_reused(corpus, prepared, tokenizer, capsys):
    patterns = [f"{corpus}/*"]
    before = {name: (prepared / name).stat().st_mtime_ns for name in files_of(prepared)}
    with pytest.raises(ValueError, match=r"shards already exists; choose another name"):
        prepare.prepare_shards(patterns, tokenizer, prepared, heldout_share=0.3)
    manifest = prepare.prepare_shards(
        patterns, tokenizer, prepared, heldout_share=0.3, reuse_existing=True
    )
    assert manifest == read_manifest(prepared)
    assert "holds these shards already" in capsys.readouterr().err
    for changes, message in [
        ({"heldout_share": 0.2}, r"other shards: heldout_share was 0\.3, now 0\.2\. Choose"),
        ({"patterns": patterns[0] + ".txt"}, r"other shards: the input text differs"),
        ({"tokenizer": MPNetTokenizer(VOCABULARY, lowercase=False)}, r"the vocabulary or its cas"),
    ]:
        wanted = {"patterns": patterns[0], "tokenizer": tokenizer, "heldout_share": 0.3, **changes}
        with pytest.raises(ValueError, match=message):
            prepare.prepare_shards(
                [wanted["patterns"]],
                wanted["tokenizer"],
                prepared,
                heldout_share=wanted["heldout_share"],
                reuse_existing=True,
            )
    assert before == {name: (prepared / name).stat().st_mtime_ns for name in files_of(prepared)}


def test_foreign_directory_is_never_touched(corpus, tokenizer, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not a finished directory of token shards"):
        prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "mine", reuse_existing=True)
    assert files_of(tmp_path) == ["mine/thesis.txt"]


def test_empty_output_directory_is_filled(corpus, tokenizer, tmp_path):
    (tmp_path / "shards").mkdir()
    prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "shards")
    assert read_manifest(tmp_path / "shards").reading["documents"] == 49


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"body": "alpha"}', "the object has no field 'text'"),
        (b'{"text": "\\u200b"}', r"No document of the input is left: no_tokens 1\. Give other"),
        (b"\n", "The input holds no document; give text with words in it"),
    ],
)
def test_bad_text_leaves_nothing_behind(tokenizer, tmp_path, data, message):
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        prepare.prepare_shards([f"{tmp_path}/*.jsonl"], tokenizer, tmp_path / "new" / "shards")
    assert files_of(tmp_path) == ["a.jsonl"]
    assert os.listdir(tmp_path / "new") == []


def test_file_size_limit_leaves_nothing_behind(corpus, tokenizer, tmp_path):
    # Stands in for a full disk: the kernel refuses the write in the same place.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1200, limits[1]))
    try:
        with pytest.raises(OSError, match=r"Cannot write .*shards: File too large\. Free space"):
            prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "shards")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_of(tmp_path) == []


def test_full_disk_while_writing_leaves_nothing_behind(corpus, tokenizer, tmp_path, monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shard_writer.ShardWriter, "_write", write)
    with pytest.raises(OSError, match=r"Cannot write .*shards: No space left on device\."):
        prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "shards")
    assert os.listdir(tmp_path) == []


def test_place_that_cannot_be_written_is_named(corpus, tokenizer, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Cannot write .*file/shards: Not a directory"):
        prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "file" / "shards")


def test_interrupt_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), appearing_directory(str(tmp_path / "new")) as directory:
        assert os.path.dirname(directory) == str(tmp_path)
        with open(os.path.join(directory, "file"), "w"):
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    program = (
        "import os, sys; from mpnet_tf.data.output_directory import appearing_directory\n"
        "with appearing_directory(sys.argv[1]) as directory:\n"
        "    open(os.path.join(directory, 'half'), 'w').close(); print('there', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    path = str(tmp_path / "new")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert all(process.stdout.readline() == "there\n" for process in processes)
    killed, living = processes
    killed.kill()
    killed.wait()
    assert len(os.listdir(tmp_path)) == 2
    with appearing_directory(path):
        # The other one is at work still.
        names = sorted(os.listdir(tmp_path))
        assert names == sorted(f".new.unfinished-{pid}" for pid in (os.getpid(), living.pid))
    living.kill()
    living.communicate()


def test_write_error_without_a_reason_is_still_told():
    with pytest.raises(OSError, match=r"Cannot write x: odd\."), explained_write_errors("x"):
        raise OSError("odd")


@pytest.mark.parametrize(
    "argument", [{"num_workers": 0}, {"heldout_share": 1.5}, {"tokens_per_shard": 0}]
)
def test_arguments_out_of_range_are_refused(corpus, tokenizer, tmp_path, argument):
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=rf"`{name}` must be .*Received: {name}={value}"):
        prepare.prepare_shards([f"{corpus}/*"], tokenizer, tmp_path / "shards", **argument)


def run_binary(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mpnet_tf.cli.prepare", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_binary_prepares_and_refuses(corpus, prepared, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY))
    arguments = [f"--input={corpus}/*", f"--vocab={tmp_path}/vocab.txt", "--heldout_share=0.3"]
    done = run_binary(*arguments, f"--output={tmp_path}/binary", "--workers=2", "--json")
    assert done.returncode == 0, done.stderr
    assert re.search(r"prepared 46 documents, [\d,]+ tokens in [\d.]+ s", done.stderr)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["output"] == f"{tmp_path}/binary"
    assert result["reading"] == read_manifest(prepared).reading
    for name, split in read_manifest(prepared).splits.items():
        assert result["splits"][name] == {
            "documents": split.num_documents, "tokens": split.num_tokens
        }  # fmt: skip
        assert dataclasses.asdict(split) == dataclasses.asdict(
            read_manifest(tmp_path / "binary").splits[name]
        )
    refused = run_binary(f"--input={corpus}/*.pdf", *arguments[1:], f"--output={tmp_path}/other")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "No file matches" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_shared_corpus_counts_match(shared_data, tokenizer, tmp_path):
    manifest = prepare.prepare_shards(
        [f"{shared_data}/corpus/*.txt"], tokenizer, tmp_path / "shards"
    )
    texts = [path.read_text("utf-8") for path in sorted((shared_data / "corpus").glob("*.txt"))]
    expected = sum(1 for text in texts for part in re.split(r"\n{2,}", text) if part.strip())
    assert manifest.reading["documents"] == expected
    assert sum(split.num_documents for split in manifest.splits.values()) == expected


def test_markup_that_stays_is_told_once(tokenizer, tmp_path, caplog):
    pytest.importorskip("mwxml")
    (tmp_path / "dump.xml").write_text(BEGIN + make_page(1, "alpha [[beta]]") + END, "utf-8")
    prepare.prepare_shards([f"{tmp_path}/*.xml"], tokenizer, tmp_path / "shards")
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "tokenised with their markup; a recipe with `cleaning.enabled`" in record.getMessage()
