"""How near generated texts come to those that were to be written."""

from collections.abc import Sequence

from absl import logging

ROUGE_METRICS = ("rouge1", "rouge2", "rougeL")
GENERATION_METRICS = (*ROUGE_METRICS, "bleu", "bleu_lowercase", "exact_match")


def compute_generation_metrics(
    references: Sequence[str], predictions: Sequence[str]
) -> dict[str, float]:
    """Computes ROUGE, BLEU and exact match of texts, each from 0 to 100.

    Args:
        references: what was to be written.
        predictions: what was, one text for each.

    Returns:
        `rouge1`, `rouge2` and `rougeL`: means of the F1 of common words, common pairs of words and
        the longest common subsequence, by `rouge-score` with Porter's stemmer; it knows no
        characters but ASCII's letters and digits, and parts no text into lines. `bleu`: of the
        whole corpus, by `sacrebleu` with its defaults; `bleu_lowercase`: the same of texts in lower
        case. `exact_match`: share of the texts that are equal but for case and spaces, which a
        WordPiece vocabulary may lose.

    Raises:
        ValueError: if there are no texts, not as many of each, or a library is missing.

    References:
        [ROUGE](https://aclanthology.org/W04-1013), sections 2 and 3;
        [BLEU](https://aclanthology.org/P02-1040), section 2;
        [sacreBLEU](https://aclanthology.org/W18-6319).
    """
    if not references or len(references) != len(predictions):
        raise ValueError(
            "`references` and `predictions` must be one or more texts, as many of each. "
            f"Received: {len(references)} references and {len(predictions)} predictions"
        )
    pairs = list(zip(references, predictions, strict=True))
    return {
        **_rouge(pairs),
        "bleu": _bleu(pairs, lowercase=False),
        "bleu_lowercase": _bleu(pairs, lowercase=True),
        "exact_match": 100.0
        * sum(_compared(reference) == _compared(prediction) for reference, prediction in pairs)
        / len(pairs),
    }


def check_generation_libraries():
    """Checks that the libraries of these metrics are installed.

    Raises:
        ValueError: if one is not.
    """
    _libraries()


def _libraries():
    """Returns the modules `rouge_scorer`, `tokenize` and `sacrebleu.metrics`."""
    try:
        import sacrebleu.metrics
        from rouge_score import rouge_scorer, tokenize
    except ImportError as error:
        raise ValueError(
            "Metrics of generated texts need rouge-score and sacrebleu. Install both with "
            "`pip install mpnet_tf[generation]`."
        ) from error
    return rouge_scorer, tokenize, sacrebleu.metrics


def _rouge(pairs):
    rouge_scorer, tokenize, _ = _libraries()
    without_words = sum(not tokenize.tokenize(reference, None) for reference, _ in pairs)
    if without_words:
        logging.warning(
            "%d of %d references have no ASCII letters or digits, so that ROUGE gives them 0.",
            without_words,
            len(pairs),
        )
    scorer = rouge_scorer.RougeScorer(ROUGE_METRICS, use_stemmer=True)
    scores = [scorer.score(reference, prediction) for reference, prediction in pairs]
    return {
        name: 100.0 * sum(score[name].fmeasure for score in scores) / len(scores)
        for name in ROUGE_METRICS
    }


def _bleu(pairs, *, lowercase):
    _, _, metrics = _libraries()
    references, predictions = zip(*pairs, strict=True)
    bleu = metrics.BLEU(lowercase=lowercase)
    return bleu.corpus_score(list(predictions), [list(references)]).score


def _compared(text):
    return "".join(text.casefold().split())
