"""Metrics of generated texts, worked by hand and against the libraries' own calls."""

import sys

import numpy as np
import pytest
from absl import logging

from mpnet_tf.finetuning.generation_metrics import GENERATION_METRICS, compute_generation_metrics

sacrebleu = pytest.importorskip("sacrebleu")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

WORDS = ["The", "the", "cat", "Cats", "cats", "sat", "sitting", "on", "a", "mat", "mats"]
WORDS += [",", ".", "dog's", "running-fast", "U.S.", "3.5"]


def test_a_sentence_worked_by_hand():
    metrics = compute_generation_metrics(["the cat sat on the mat"], ["the cat is on the mat"])
    assert tuple(metrics) == GENERATION_METRICS
    # 5 of 6 words, 3 of 5 pairs, and the subsequence "the cat on the mat".
    np.testing.assert_allclose(metrics["rouge1"], 100 * 5 / 6)
    np.testing.assert_allclose(metrics["rouge2"], 100 * 3 / 5)
    np.testing.assert_allclose(metrics["rougeL"], 100 * 5 / 6)
    # One run of 3 words of 4, and none of 4 of 3, which is smoothed to a half.
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 0.5 / 3) ** (1 / 4)
    np.testing.assert_allclose([metrics["bleu"], metrics["bleu_lowercase"]], expected)
    assert metrics["exact_match"] == 0


def test_all_are_100_for_what_is_equal():
    texts = ["a b c d e", "f g h i"]
    assert all(
        value == pytest.approx(100) for value in compute_generation_metrics(texts, texts).values()
    )


def test_they_are_the_libraries_own():
    generator = np.random.default_rng(2)
    references, predictions = (
        [" ".join(generator.choice(WORDS, generator.integers(1, 20))) for _ in range(50)]
        for _ in range(2)
    )
    predictions[3] = ""
    metrics = compute_generation_metrics(references, predictions)
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    for name in ("rouge1", "rouge2", "rougeL"):
        scores = [
            scorer.score(target=reference, prediction=prediction)[name].fmeasure
            for reference, prediction in zip(references, predictions, strict=True)
        ]
        assert 0 < metrics[name] < 100
        np.testing.assert_allclose(metrics[name], 100 * np.mean(scores))
    for name, lowercase in (("bleu", False), ("bleu_lowercase", True)):
        expected = sacrebleu.corpus_bleu(predictions, [references], lowercase=lowercase)
        np.testing.assert_allclose(metrics[name], expected.score)
    assert 0 < metrics["bleu"] < metrics["bleu_lowercase"]


def test_exact_match_is_of_texts_but_for_case_and_spaces():
    references = ["A cat, isn't it?", "the cat", "the  cat ", "Strasse"]
    predictions = ["a cat , isn ' t it ?", "the cats", "the cat", "strasse"]
    assert compute_generation_metrics(references, predictions)["exact_match"] == 75


def test_rouge_is_told_to_know_no_other_script(monkeypatch):
    told = []
    monkeypatch.setattr(logging, "warning", lambda message, *values: told.append(message % values))
    compute_generation_metrics(["кот сидит", "a cat"], ["кот сидит", "a cat"])
    (warning,) = told
    assert warning.startswith("1 of 2 references have no ASCII letters or digits")


def test_what_cannot_be_compared_is_refused():
    for texts in (([], []), (["a"], [])):
        with pytest.raises(ValueError, match=r"must be one or more texts, as many of each"):
            compute_generation_metrics(*texts)


@pytest.mark.parametrize("module", ["sacrebleu.metrics", "rouge_score"])
def test_a_missing_library_is_named_with_its_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=r"rouge-score and sacrebleu.*mpnet_tf\[generation\]"):
        compute_generation_metrics(["a"], ["a"])
