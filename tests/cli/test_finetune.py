"""mpnet-finetune and mpnet-evaluate as a user runs them."""

import json

import keras
import numpy as np
import pytest

from mpnet_tf.models import GLMTokenizer, MPNetTokenizer, make_backbone, make_masked_lm
from tests.cli.forked_binary import run_cases
from tests.models.writing_model import SPECIAL
from tests.tiny_run import NOUNS, VERBS, VOCABULARY

DONE, FAILED, WRONG_USAGE = 0, 1, 2
TABLES = ["--task=text_classification", "--train_file=train.tsv", "--eval_file=dev.csv"]
FAST = ["--epochs=1", "--batch_size=8", "--learning_rate=0.01"]
QUESTIONS = ["--task=question_answering", "--train_file=squad.json", "--eval_file=squad.json"]
TAGS = ["--task=token_classification", "--train_file=tags.conll", "--eval_file=tags.conll"]
EMBEDDING = ["--task=text_embedding", "--text_column=text", "--pair_column=other"]
PAIRS = ["--train_file=pairs.csv", "--eval_file=pairs.csv"]
# The arguments besides the preset, the exit status, and what is told.
CASES = {
    "tables": ([*TABLES, *FAST, "--seeds=1,2", "--json"], DONE, "seed 2  epoch 1/1  loss"),
    "questions": ([*QUESTIONS, *FAST, "--json"], DONE, "exact "),
    "no answers": ([*QUESTIONS, *FAST, "--no_answer_threshold=-1000", "--json"], DONE, "exact "),
    "tags": ([*TAGS, *FAST], DONE, "precision "),
    "embedding": (
        [*EMBEDDING, *PAIRS, *FAST, "--batch_size=3", "--dimensions=8,4"],
        DONE,
        "mrr@10 ",
    ),
    "a pattern": ([*TABLES, *FAST, "--preset=glm", "--pattern=pattern.json"], DONE, "accuracy "),
    "documents": (
        ["--task=text_embedding", "--train_file=lines.txt", "--eval_file=lines.txt"]
        + [*FAST, "--batch_size=3"],
        DONE,
        "recall@1 ",
    ),
    "scores": (
        [*EMBEDDING, "--train_file=scores.csv", "--eval_file=scores.csv", "--objective=cosent"]
        + FAST,
        DONE,
        "spearman ",
    ),
    "no pair column": (
        ["--task=text_embedding", *PAIRS],
        WRONG_USAGE,
        "--pair_column must name the column",
    ),
    "no scores": ([*EMBEDDING, *PAIRS, "--objective=cosine"], FAILED, "no column 'label'"),
    "dimensions alone": (
        [*EMBEDDING, "--train_file=scores.csv", "--eval_file=scores.csv", "--objective=cosine"]
        + [*FAST, "--dimensions=8,2", "--json"],
        DONE,
        "spearman_of_2 ",
    ),
    "class weights of pairs": (
        [*EMBEDDING, *PAIRS, "--class_weights=balanced"],
        FAILED,
        "`class_weights` must be left out with the task text_embedding",
    ),
    "bad dimensions": ([*EMBEDDING, *PAIRS, "--dimensions=a"], WRONG_USAGE, "--dimensions must be"),
    "a tag file of tables": (
        ["--task=token_classification", "--train_file=train.tsv", "--eval_file=tags.conll"],
        FAILED,
        "a label must be O or",
    ),
    "a flag of another task": (
        [*TABLES, "--objective=simcse"],
        WRONG_USAGE,
        "--objective must be left out with --task=text_classification: it is of "
        "--task=text_embedding",
    ),
    "no SQuAD": (
        ["--task=question_answering", "--train_file=train.tsv", "--eval_file=squad.json"],
        FAILED,
        "not JSON",
    ),
    "no train file": (
        ["--task=text_classification", "--eval_file=dev.csv"],
        WRONG_USAGE,
        "--train",
    ),
    "no folder": (["--task=sst2"], WRONG_USAGE, "--data_dir must be given with --task=sst2"),
    "no such task": (["--task=sst3"], WRONG_USAGE, "<cola|sst2|"),
    "no task": ([], WRONG_USAGE, "--task"),
    "bad seeds": ([*TABLES, "--seeds=one"], WRONG_USAGE, "--seeds must be whole numbers"),
    "bad rate": ([*TABLES, "--learning_rate=0"], FAILED, "`learning_rate` must be positive"),
    "no column": ([*TABLES, "--text_column=review"], FAILED, "review"),
    "a pair task": ([*TABLES, "--pair_column=second"], FAILED, "A pair task was given single"),
    "an empty text": (
        ["--task=text_classification", "--train_file=empty.tsv", "--eval_file=dev.csv"],
        FAILED,
        "empty.tsv",
    ),
    "an unknown label": (
        ["--task=text_classification", "--train_file=train.tsv", "--eval_file=other.csv", *FAST],
        FAILED,
        "must be among 0, 1. Received: '7' in",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("finetuning")
    keras.utils.set_random_seed(1)
    for name, body, tokenizer in (
        ("preset", "mpnet", MPNetTokenizer(VOCABULARY)),
        ("glm", "glm", GLMTokenizer([*SPECIAL, "the", *NOUNS, *VERBS])),
    ):
        backbone = make_backbone(
            body,
            len(tokenizer.vocabulary),
            num_layers=1,
            num_heads=2,
            hidden_dim=8,
            intermediate_dim=12,
            max_sequence_length=20,
        )
        make_masked_lm(backbone).save_to_preset(path / name)
        tokenizer.save_to_preset(path / name)
    pattern = {"pattern": "{text} the [MASK]", "verbalizers": {"1": "cat", "0": "bird"}}
    (path / "pattern.json").write_text(json.dumps(pattern))
    generator = np.random.default_rng(2)
    rows = [
        (f"the {noun} {generator.choice(VERBS)}", int(noun == "cat"))
        for noun in generator.choice(NOUNS, 40)
    ]
    tables = {"train.tsv": "\t", "dev.csv": ","}
    for name, separator in tables.items():
        lines = [f"text{separator}label", *(f"{text}{separator}{label}" for text, label in rows)]
        (path / name).write_text("\n".join(lines) + "\n")
    (path / "empty.tsv").write_text("text\tlabel\n\t1\n")
    (path / "other.csv").write_text("text,label\nthe cat,7\n")
    questions = [
        {"id": noun, "question": "the", "answers": [{"text": noun, "answer_start": 4}]}
        for noun in NOUNS
    ]
    paragraphs = [
        {"context": f"the {question['id']} {VERBS[0]}", "qas": [question]} for question in questions
    ]
    (path / "squad.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    (path / "tags.conll").write_text("the O\ncat B-ANIMAL\n\na O\nbird B-ANIMAL\n")
    pairs = [(f"the {noun}", f"{noun} {verb}") for noun in NOUNS for verb in VERBS]
    for name, header, rows in (
        ("pairs.csv", "text,other", pairs),
        ("scores.csv", "text,other,label", [(*pair, n % 5) for n, pair in enumerate(pairs)]),
    ):
        (path / name).write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))
    (path / "lines.txt").write_text("\n\n".join("\n".join(pair) for pair in pairs) + "\n")
    return path


def _with_paths(folder, arguments):
    files = ("--train_file=", "--eval_file=", "--pattern=", "--preset=")
    return [
        f"{flag}={folder}/{value}" if f"{flag}=" in files else argument
        for argument in arguments
        for flag, _, value in [argument.partition("=")]
    ]


@pytest.fixture(scope="module")
def answers(folder):
    return run_cases(
        "mpnet_tf.cli.finetune",
        "mpnet-finetune",
        {
            name: [
                f"--preset={folder}/preset",
                f"--output={folder}/{name}",
                *_with_paths(folder, arguments),
            ]
            for name, (arguments, *_) in CASES.items()
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_for_is_done_or_refused(name, answers, folder):
    _, status, told = CASES[name]
    found, output = answers[name]
    assert (found, told in output) == (status, True), output
    assert "Traceback" not in output
    assert (folder / name).exists() == (status == DONE)


def last_json(output):
    return json.loads(output.strip().splitlines()[-1])


def test_a_tuned_model_is_evaluated_as_it_was_tuned(folder, answers):
    """Whatever was chosen for it: the pattern, the threshold, the dimensions."""
    data = {
        "tables": ["--task=text_classification", f"--eval_file={folder}/dev.csv"],
        "a pattern": ["--task=text_classification", f"--eval_file={folder}/dev.csv"],
        "no answers": ["--task=question_answering", f"--eval_file={folder}/squad.json"],
        "dimensions alone": [*EMBEDDING, f"--eval_file={folder}/scores.csv"],
    }
    cases = {
        name: [
            f"--preset={folder}/{name}/preset",
            *arguments,
            f"--predictions={folder}/predictions of {name}",
            "--json",
        ]
        for name, arguments in data.items()
    }
    preset = f"--preset={folder}/tables/preset"
    cases |= {
        "no classifier": [f"--preset={folder}/preset", *data["tables"]],
        "another task": [preset, "--task=text_regression", f"--eval_file={folder}/dev.csv"],
        "pairs": [
            *(preset, "--task=text_classification", f"--eval_file={folder}/pairs.csv"),
            *("--pair_column=other", "--label_column=text"),
        ],
        "dimensions": [*cases["dimensions alone"][:-2], "--dimensions=9"],
    }
    found = run_cases("mpnet_tf.cli.evaluate", "mpnet-evaluate", cases)
    for name in data:
        status, output = found[name]
        assert status == DONE, output
        results = json.loads((folder / name / "results.json").read_text())
        (best,) = (run for run in results["runs"] if run["seed"] == results["best_seed"])
        metrics = last_json(output)
        for metric, value in best["metrics"].items():
            assert metrics[metric] == pytest.approx(value, rel=1e-6), (name, metric)
    assert len((folder / "predictions of tables" / "dev.tsv").read_text().splitlines()) == 41
    told = {
        "no classifier": "must be a text classifier",
        "another task": "has 2 outputs, where the task text_regression has 1",
        "pairs": "was tuned on single texts. Received: pairs of texts in",
        "dimensions": "must not be above the 8 of the embeddings",
    }
    for name, message in told.items():
        status, output = found[name]
        assert status == FAILED and message in output, output
