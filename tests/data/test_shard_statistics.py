"""What shards hold, counted shard by shard, against the documents that were written."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from mpnet_tf.data import manifest as manifest_lib
from mpnet_tf.data import shards as shards_lib
from mpnet_tf.data.shard_statistics import SAMPLE_CHARACTERS, shard_statistics
from mpnet_tf.data.shard_writer import ShardWriter
from mpnet_tf.models import MPNetTokenizer

WORDS = [f"word{number}" for number in range(40)]
TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<unk>", "<mask>"]


def random_documents(num_documents, seed):
    generator = np.random.default_rng(seed)
    return [
        # Some words never occur, [UNK] does.
        generator.integers(3, 30, generator.integers(1, 60)).tolist()
        for _ in range(num_documents)
    ]


def write_shards(directory, splits, *, tokens_per_shard=500):
    """Writes documents by split; returns the manifest."""
    directory.mkdir()
    records = {}
    for split, documents in splits.items():
        writer = ShardWriter(
            directory, split, vocabulary_size=len(TOKENS), tokens_per_shard=tokens_per_shard
        )
        for document in documents:
            writer.append(document, [len(document)], text_bytes=4 * len(document))
        records[split] = writer.finish()
    manifest = manifest_lib.Manifest(
        vocabulary_size=len(TOKENS),
        tokenizer_fingerprint=MPNetTokenizer(TOKENS).fingerprint,
        splits=records,
        settings={},
        sources=(),
        reading={},
        versions={},
    )
    manifest_lib.write_manifest(manifest, directory)
    return manifest


@pytest.fixture(scope="module")
def tokenizer():
    return MPNetTokenizer(TOKENS)


@pytest.fixture
def splits():
    return {"train": random_documents(90, 1), "heldout": random_documents(7, 2), "empty": []}


@pytest.fixture
def shards(tmp_path, splits):
    return tmp_path / "shards", write_shards(tmp_path / "shards", splits)


def test_counts_are_those_of_the_documents(shards, splits, tokenizer):
    directory, manifest = shards
    assert len(manifest.splits["train"].shards) > 3
    read = []
    found, samples = shard_statistics(directory, manifest, tokenizer, advance=read.append)
    assert list(found) == ["train", "heldout", "empty"] and samples == []
    for name, documents in splits.items():
        lengths = found[name].lengths
        assert lengths.num_documents == len(documents)
        assert lengths.num_tokens == sum(map(len, documents))
        expected = np.zeros(len(TOKENS), int)
        for document in documents:
            for token_id in document:
                expected[token_id] += 1
        np.testing.assert_array_equal(found[name].token_counts, expected)
        assert found[name].record == manifest.splits[name]
    assert found["empty"].vocabulary is None
    unknown = sum(document.count(3) for document in splits["train"])
    use = found["train"].vocabulary
    assert use.unknown_share == unknown / found["train"].lengths.num_tokens
    assert sum(read) == sum(path.stat().st_size for path in directory.glob("*-of-*"))


def test_both_unknown_tokens_count(tmp_path, tokenizer):
    unknown = [TOKENS.index("<unk>"), TOKENS.index("[UNK]")]
    manifest = write_shards(tmp_path / "unknown", {"train": [[*unknown, 9, 9, 9]]})
    found, _ = shard_statistics(tmp_path / "unknown", manifest, tokenizer)
    assert found["train"].vocabulary.unknown_share == 0.4


def test_samples_are_drawn_by_the_seed_from_all_splits(shards, splits, tokenizer):
    directory, manifest = shards

    def draw(**arguments):
        return shard_statistics(directory, manifest, tokenizer, **arguments)[1]

    samples = draw(num_samples=12, seed=5)
    assert len({(sample.split, sample.document) for sample in samples}) == 12
    for sample in samples:
        document = splits[sample.split][sample.document]
        assert sample.num_tokens == len(document)
        text = " ".join(TOKENS[token_id] for token_id in document)
        assert sample.text == text[:SAMPLE_CHARACTERS]
    assert draw(num_samples=12, seed=5) == samples != draw(num_samples=12, seed=6)
    assert draw(num_samples=12, seed=5, verify_checksums=False) == samples
    everything = draw(num_samples=1000)
    assert len(everything) == 97
    assert {s.document for s in everything if s.split == "train"} == set(range(90))
    assert {sample.split for sample in draw(num_samples=3, splits=["heldout"])} == {"heldout"}
    assert draw(num_samples=3, splits=["empty"]) == []


def test_damage_is_told(shards, tokenizer):
    directory, manifest = shards
    path = directory / manifest.splits["train"].shards[1].tokens.name
    content = bytearray(path.read_bytes())
    content[0:2] = (7).to_bytes(2, "little") if content[0] != 7 else (8).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path.name} is damaged: expected SHA-256"):
        shard_statistics(directory, manifest, tokenizer)
    shard_statistics(directory, manifest, tokenizer, verify_checksums=False)
    content[0:2] = (len(TOKENS) + 5).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"damaged: they hold the token id {len(TOKENS) + 5}"):
        shard_statistics(directory, manifest, tokenizer, verify_checksums=False)


def test_unknown_split_is_refused(shards, tokenizer):
    directory, manifest = shards
    with pytest.raises(ValueError, match=r"one of empty, heldout, train .* split='dev'"):
        shard_statistics(directory, manifest, tokenizer, splits=["dev"])


def test_memory_does_not_grow_with_the_shards(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(shards_lib, "_COUNT_CHUNK_TOKENS", 1000)
    peaks = []
    documents = random_documents(400, 3)
    for repeats in (1, 8):
        directory = tmp_path / str(repeats)
        manifest = write_shards(directory, {"train": documents * repeats}, tokens_per_shard=4000)
        # What is only loaded once is loaded before.
        shard_statistics(directory, manifest, tokenizer, num_samples=2)
        tracemalloc.start()
        shard_statistics(directory, manifest, tokenizer, num_samples=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 10_000


def test_single_shard_opens_as_part_of_its_split(shards, splits, tokenizer):
    directory, manifest = shards
    first = manifest.splits["train"].shards[0]
    shard = shards_lib.TokenShards.open_shard(
        directory, first, vocabulary_size=manifest.vocabulary_size
    )
    documents = splits["train"][: first.num_documents]
    assert shard.document_lengths.tolist() == list(map(len, documents))
    assert shard.read([1], [0], [len(documents[1])]).tolist() == documents[1]
    wrong = dataclasses.replace(first, num_documents=first.num_documents + 1)
    with pytest.raises(ValueError, match="does not fit the manifest"):
        shards_lib.TokenShards.open_shard(
            directory, wrong, vocabulary_size=manifest.vocabulary_size
        )
