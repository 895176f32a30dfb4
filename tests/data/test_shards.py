"""Token shards: what is written is read back, and damaged or foreign shards are refused."""

import dataclasses
import itertools
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpnet_tf.data import manifest as manifest_lib
from mpnet_tf.data import shards as shards_lib
from mpnet_tf.data.shard_format import token_dtype
from mpnet_tf.data.shard_writer import ShardWriter
from mpnet_tf.data.shards import TokenShards

DOCUMENTS = [[5, 6, 7], [1], [2, 2, 9, 8, 4], [0, 3], [6, 6, 6, 6]]
TRAIN = "train-00000-of-00002"


def flatten(lists):
    return list(itertools.chain.from_iterable(lists))


def write_shards(directory, documents, *, vocabulary_size=10, tokens_per_shard=9, group_size=2):
    """Writes documents as the split `train` and an empty split `heldout`, with a manifest."""
    records = {}
    for split, chosen in (("train", documents), ("heldout", [])):
        writer = ShardWriter(
            directory, split, vocabulary_size=vocabulary_size, tokens_per_shard=tokens_per_shard
        )
        for start in range(0, len(chosen), group_size):
            group = chosen[start : start + group_size]
            lengths = [len(document) for document in group]
            writer.append(np.array(flatten(group), np.int64), lengths, text_bytes=3 * len(group))
        records[split] = writer.finish()
    manifest = manifest_lib.Manifest(
        vocabulary_size=vocabulary_size,
        tokenizer_fingerprint="abc",
        splits=records,
        settings={"heldout_share": 0.1},
        sources=(manifest_lib.FileRecord("a.txt", 3, "00"),),
        reading={"documents": len(documents)},
        versions={},
    )
    manifest_lib.write_manifest(manifest, directory)
    return manifest


@pytest.fixture
def directory(tmp_path):
    write_shards(tmp_path, DOCUMENTS)
    return tmp_path


def edit_manifest(directory, **changes):
    path = directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_files_hold_the_documented_layout(directory):
    assert sorted(os.listdir(directory)) == sorted(
        ["manifest.json"]
        + [f"train-0000{i}-of-00002.{kind}" for i in (0, 1) for kind in ("tokens", "documents")]
    )
    # Read with struct, independently of the code: three documents fit 9 tokens, two follow.
    assert struct.unpack("<9H", (directory / f"{TRAIN}.tokens").read_bytes()) == (
        *(5, 6, 7), 1, *(2, 2, 9, 8, 4)
    )  # fmt: skip
    assert struct.unpack("<4Q", (directory / f"{TRAIN}.documents").read_bytes()) == (0, 3, 4, 9)
    assert struct.unpack("<3Q", (directory / "train-00001-of-00002.documents").read_bytes()) == (
        0,
        2,
        6,
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pieces_equal_slices_of_the_documents(tmp_path_factory, data):
    vocabulary_size = data.draw(st.sampled_from([300, 2**16, 2**16 + 1, 250_000]))
    token = st.integers(0, vocabulary_size - 1)
    documents = data.draw(st.lists(st.lists(token, min_size=1, max_size=12), max_size=15))
    directory = tmp_path_factory.mktemp("shards")
    write_shards(
        directory,
        documents,
        vocabulary_size=vocabulary_size,
        tokens_per_shard=data.draw(st.integers(1, 40)),
        group_size=data.draw(st.integers(1, 5)),
    )
    shards = TokenShards.open(directory, "train", tokenizer_fingerprint="abc")

    assert shards.document_lengths.dtype == np.int64
    assert shards.document_lengths.tolist() == [len(document) for document in documents]
    assert shards.num_documents == len(documents)
    assert shards.num_tokens == sum(map(len, documents))
    assert shards.vocabulary_size == vocabulary_size
    pieces = []
    for _ in range(data.draw(st.integers(0, 8)) if documents else 0):
        index = data.draw(st.integers(0, len(documents) - 1))
        start = data.draw(st.integers(0, len(documents[index])))
        pieces.append((index, start, data.draw(st.integers(0, len(documents[index]) - start))))
    tokens = shards.read(*np.array(pieces, np.int64).reshape(-1, 3).T)
    assert tokens.dtype == np.int32
    expected = [documents[index][start : start + length] for index, start, length in pieces]
    assert tokens.tolist() == flatten(expected)
    counts = shards.token_counts()
    assert counts.shape == (vocabulary_size,)
    for token_id in set(flatten(documents)):
        assert counts[token_id] == sum(document.count(token_id) for document in documents)
    assert counts.sum() == shards.num_tokens


@pytest.mark.parametrize("group_size", [1, 3, 5])
def test_grouping_of_documents_changes_no_byte(directory, tmp_path_factory, group_size):
    other = tmp_path_factory.mktemp("other")
    write_shards(other, DOCUMENTS, group_size=group_size)
    for name in os.listdir(directory):
        if name != "manifest.json":
            assert (other / name).read_bytes() == (directory / name).read_bytes(), name


def test_manifest_round_trip(directory):
    manifest = manifest_lib.read_manifest(directory)
    assert manifest.splits["train"].num_documents == 5
    assert manifest.splits["train"].num_tokens == 15
    assert manifest.splits["train"].text_bytes == 15
    before = (directory / "manifest.json").read_bytes()
    manifest_lib.write_manifest(manifest, directory)
    assert (directory / "manifest.json").read_bytes() == before


def test_empty_split_is_read_as_no_document(directory):
    shards = TokenShards.open(directory, "heldout")
    assert shards.num_documents == shards.num_tokens == shards.token_counts().sum() == 0
    assert shards.read([], [], []).shape == (0,)


def test_manifest_differences_are_named(directory):
    manifest = manifest_lib.read_manifest(directory)
    same = {
        "settings": {"heldout_share": 0.1},
        "sources": manifest.sources,
        "tokenizer_fingerprint": "abc",
    }
    assert manifest.differences(**same) == []
    assert manifest.differences(**{**same, "settings": {"heldout_share": 0.2}}) == [
        "heldout_share was 0.1, now 0.2"
    ]
    assert manifest.differences(**{**same, "sources": []}) == ["the input text differs"]
    assert manifest.differences(**{**same, "tokenizer_fingerprint": "d"}) == [
        "the vocabulary or its casing differs"
    ]


def test_other_vocabulary_is_refused(directory):
    with pytest.raises(ValueError, match=r"another vocabulary: expected .* xyz, found abc"):
        TokenShards.open(directory, "train", tokenizer_fingerprint="xyz")


def test_unknown_split_is_refused(directory):
    with pytest.raises(ValueError, match=r"one of heldout, train .*split='test'"):
        TokenShards.open(directory, "test")


def test_truncated_file_is_refused_even_without_checksums(directory):
    path = directory / f"{TRAIN}.tokens"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match=rf"{TRAIN}.tokens .*expected 18 bytes, found 16"):
        TokenShards.open(directory, "train", verify_checksums=False)


@pytest.mark.parametrize("kind", ["tokens", "documents"])
def test_missing_file_is_refused(directory, kind):
    (directory / f"{TRAIN}.{kind}").unlink()
    with pytest.raises(ValueError, match=rf"{TRAIN}.{kind} is missing"):
        TokenShards.open(directory, "train")


@pytest.mark.parametrize("kind", ["tokens", "documents"])
def test_flipped_bit_is_refused(directory, kind):
    path = directory / f"{TRAIN}.{kind}"
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{TRAIN}.{kind} is damaged: expected SHA-256 \w+, fo"):
        TokenShards.open(directory, "train")


def test_index_that_does_not_fit_is_refused(directory):
    path = directory / f"{TRAIN}.documents"
    path.write_bytes(struct.pack("<4Q", 0, 4, 3, 9))
    with pytest.raises(ValueError, match=rf"{TRAIN}.documents does not fit the manifest"):
        TokenShards.open(directory, "train", verify_checksums=False)
    path.write_bytes(struct.pack("<4Q", 0, 3, 4, 8))
    with pytest.raises(ValueError, match=r"= \(4, 0, 9, 9\) in rising order, found \(4, 0, 8, 9\)"):
        TokenShards.open(directory, "train", verify_checksums=False)


def test_dtype_that_does_not_fit_is_refused(directory):
    edit_manifest(directory, vocabulary_size=100_000)
    with pytest.raises(ValueError, match=r"multiple of 4 bytes, found 18"):
        TokenShards.open(directory, "train")


@pytest.mark.parametrize("name", ["", "absent", "manifest.json"])
def test_unfinished_directory_is_refused(directory, name):
    if not name:
        (directory / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"not a finished directory .*Make it with mpnet-prepare"):
        TokenShards.open(directory / name, "train")


def test_unknown_format_version_is_refused(directory):
    edit_manifest(directory, format_version=99)
    with pytest.raises(ValueError, match=r"has format version 99; this program reads version 1"):
        TokenShards.open(directory, "train")


def test_damaged_manifest_is_refused(directory):
    edit_manifest(directory, splits={"train": {}})
    with pytest.raises(ValueError, match=r"manifest.json is damaged: KeyError\('shards'\)"):
        TokenShards.open(directory, "train")
    (directory / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        TokenShards.open(directory, "train")
    (directory / "manifest.json").write_text("[]")
    with pytest.raises(ValueError, match="format version None"):
        TokenShards.open(directory, "train")


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (([5], [0], [1]), r"from 0 to 4. Received: 5"),
        (([-1], [0], [1]), r"from 0 to 4. Received: -1"),
        (([0, 1], [0, 0], [3, 2]), r"Piece 1 .* document 1, which has 1 tokens. .*length=2"),
        (([0], [-1], [2]), r"Received: start=-1"),
        (([0], [0], [-1]), r"length=-1"),
        (([0, 1], [0], [1]), r"vectors of one length"),
        ((0, 0, 1), r"vectors of one length"),
    ],
)
def test_pieces_outside_documents_are_refused(directory, piece, message):
    with pytest.raises(ValueError, match=message):
        TokenShards.open(directory, "train").read(*piece)


def test_counting_in_pieces_counts_all(directory, monkeypatch):
    monkeypatch.setattr(shards_lib, "_COUNT_CHUNK_TOKENS", 2)
    expected = np.bincount(flatten(DOCUMENTS), minlength=10)
    np.testing.assert_array_equal(TokenShards.open(directory, "train").token_counts(), expected)


@pytest.mark.parametrize(
    ("token_ids", "lengths", "message"),
    [
        ([1, 2], [1], r"sum up to the number of `token_ids`. .*sum\(lengths\)=1"),
        ([1, 2], [2, 0], r"min\(lengths\)=0"),
        ([1, 10], [2], r"from 0 to 9. Received: ids from 1 to 10"),
        ([-1, 1], [2], r"ids from -1 to 1"),
    ],
)
def test_writer_refuses_what_no_shard_can_hold(tmp_path, token_ids, lengths, message):
    writer = ShardWriter(tmp_path, "train", vocabulary_size=10, tokens_per_shard=9)
    with pytest.raises(ValueError, match=message):
        writer.append(token_ids, lengths, text_bytes=0)


def test_scalars_out_of_range_are_refused(tmp_path):
    with pytest.raises(ValueError, match="tokens_per_shard=0"):
        ShardWriter(tmp_path, "train", vocabulary_size=10, tokens_per_shard=0)
    for vocabulary_size in (0, 2**31 + 1):
        with pytest.raises(ValueError, match=f"vocabulary_size={vocabulary_size}"):
            token_dtype(vocabulary_size)


def test_records_hold_size_and_sha256_of_the_files(directory):
    manifest = manifest_lib.read_manifest(directory)
    for shard in manifest.splits["train"].shards:
        for record in (shard.tokens, shard.documents):
            assert record == manifest_lib.hash_file(directory / record.name)
    assert dataclasses.asdict(manifest)["format_version"] == 1
