"""The tasks of the GLUE benchmark and the layouts of their files."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class GlueFile:
    """A file that may hold a split, without quoting and with tabs between the values.

    Args:
        name: of the file, in the task's folder.
        text, pair, label, id: its columns with the fields of `LabelledTexts`; None where the file
            or the task has none.
        columns: names of all columns of a file without a header.
        allow_further_values: whether rows may go on after the last column.
        skip_short_rows: whether the published file has broken rows, which everybody leaves out.
        left_out_file: the rows of this file of the same folder are part of the file and belong to
            another split.
        key_columns: the columns by which those rows are known.
    """

    name: str
    text: str
    pair: str | None = None
    label: str | None = None
    id: str | None = None
    columns: tuple[str, ...] | None = None
    allow_further_values: bool = False
    skip_short_rows: bool = False
    left_out_file: str | None = None
    key_columns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class GlueTask:
    """A task, its metrics and its files.

    Args:
        name: what `GLUE_TASKS` has it under.
        kind: "classification" or "regression".
        labels: the classes' names as the files write them, in the order of their class ids; empty
            for regression.
        metrics: names of the metrics that GLUE reports, as `compute_metrics` takes them.
        headline_metric: the one that the papers of RoBERTa and MPNet compare models by.
        splits: the files that a split may be in, by its name: "train", "dev" or "test". The first
            that is there holds it.
        submission_file: name of the file with the predictions for the test split.
        score_range: lowest and highest score of a regression task.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    headline_metric: str
    splits: Mapping[str, tuple[GlueFile, ...]]
    submission_file: str
    score_range: tuple[float, float] | None = None


_BINARY = ("0", "1")
_ENTAILMENT = ("entailment", "not_entailment")
_NLI = ("entailment", "neutral", "contradiction")


def _headed_splits(text, pair=None, label="label", id=None, **layout):
    """The splits of a task whose three files all have headers."""
    labelled = {"text": text, "pair": pair, "label": label, "id": id, **layout}
    test_file = GlueFile("test.tsv", text, pair, id=id or "index")
    return {
        "train": (GlueFile("train.tsv", **labelled),),
        "dev": (GlueFile("dev.tsv", **labelled),),
        "test": (test_file,),
    }


def _cola_splits():
    labelled = {
        "text": "sentence",
        "label": "label",
        "columns": ("source", "label", "original_judgement", "sentence"),
    }
    return {
        "train": (GlueFile("train.tsv", **labelled),),
        "dev": (GlueFile("dev.tsv", **labelled),),
        "test": (GlueFile("test.tsv", "sentence", id="index"),),
    }


def _mrpc_splits():
    pair = {"text": "#1 String", "pair": "#2 String"}
    splits = _headed_splits(**pair, label="Quality")
    # The corpus as Microsoft published it: its training file still holds GLUE's dev split.
    original_train = GlueFile(
        "msr_paraphrase_train.txt",
        **pair,
        label="Quality",
        left_out_file="dev.tsv",
        key_columns=("#1 ID", "#2 ID"),
    )
    original_test = GlueFile("msr_paraphrase_test.txt", **pair, label="Quality")
    splits["train"] += (original_train,)
    splits["test"] += (original_test,)
    return splits


def _stsb_splits():
    splits = _headed_splits("sentence1", "sentence2", label="score", id="index")
    for split, files in splits.items():
        # The STS benchmark's own files. Some rows name their sources after the sentences.
        original = GlueFile(
            f"sts-{split}.csv",
            "sentence1",
            "sentence2",
            label="score",
            columns=("genre", "file", "year", "id", "score", "sentence1", "sentence2"),
            allow_further_values=True,
        )
        splits[split] = (*files, original)
    return splits


def _mnli_splits(dev_file, test_file):
    pair = {"text": "sentence1", "pair": "sentence2", "id": "index"}
    return {
        "train": (GlueFile("train.tsv", **pair, label="gold_label"),),
        "dev": (GlueFile(dev_file, **pair, label="gold_label"),),
        "test": (GlueFile(test_file, **pair),),
    }


def _qqp_splits():
    return _headed_splits(
        "question1", "question2", label="is_duplicate", id="id", skip_short_rows=True
    )


_ACCURACY = ("accuracy",)
_PARAPHRASE = ("accuracy", "f1")
_MATTHEWS = ("matthews_correlation",)
_DIAGNOSTIC = tuple(
    GlueFile(name, "sentence1", "sentence2", id="index") for name in ("diagnostic.tsv", "AX.tsv")
)


def _classification(name, labels, metrics, splits, submission_file):
    return GlueTask(
        name, "classification", labels, metrics, metrics[0], splits, f"{submission_file}.tsv"
    )


_TASKS = (
    _classification("cola", _BINARY, _MATTHEWS, _cola_splits(), "CoLA"),
    _classification("sst2", _BINARY, _ACCURACY, _headed_splits("sentence"), "SST-2"),
    _classification("mrpc", _BINARY, _PARAPHRASE, _mrpc_splits(), "MRPC"),
    _classification("qqp", _BINARY, _PARAPHRASE, _qqp_splits(), "QQP"),
    GlueTask(
        "stsb",
        "regression",
        (),
        ("pearson", "spearman"),
        "pearson",
        _stsb_splits(),
        "STS-B.tsv",
        score_range=(0.0, 5.0),
    ),
    _classification(
        "mnli", _NLI, _ACCURACY, _mnli_splits("dev_matched.tsv", "test_matched.tsv"), "MNLI-m"
    ),
    _classification(
        "mnli_mismatched",
        _NLI,
        _ACCURACY,
        _mnli_splits("dev_mismatched.tsv", "test_mismatched.tsv"),
        "MNLI-mm",
    ),
    _classification(
        "qnli", _ENTAILMENT, _ACCURACY, _headed_splits("question", "sentence", id="index"), "QNLI"
    ),
    _classification(
        "rte", _ENTAILMENT, _ACCURACY, _headed_splits("sentence1", "sentence2", id="index"), "RTE"
    ),
    _classification(
        "wnli", _BINARY, _ACCURACY, _headed_splits("sentence1", "sentence2", id="index"), "WNLI"
    ),
    # The diagnostic set has no training data: MNLI's model answers it.
    _classification("ax", _NLI, _MATTHEWS, {"test": _DIAGNOSTIC}, "AX"),
)

GLUE_TASKS: Mapping[str, GlueTask] = MappingProxyType({task.name: task for task in _TASKS})
