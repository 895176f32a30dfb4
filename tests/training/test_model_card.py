"""The card says what the run's own files say."""

import pytest

from mpnet_tf.conversion.model_card import card_for
from mpnet_tf.data.manifest import FileRecord, Manifest, SplitRecord
from mpnet_tf.training.model_card import write_model_card
from tests.tiny_run import tiny_config

MANIFEST = Manifest(
    vocabulary_size=1234,
    tokenizer_fingerprint="",
    splits={
        "train": SplitRecord(2000, 345678, 1, ()),
        "heldout": SplitRecord(20, 3456, 1, ()),
    },
    settings={},
    sources=tuple(FileRecord(f"part-{number}.txt", 1, "") for number in range(23)),
    reading={},
    versions={},
)
RESULTS = {
    "steps": 1500,
    "tokens_seen": 98765,
    "epochs_seen": 1.25,
    "heldout_predictions": 800,
    "heldout_loss": 2.5,
    "heldout_perplexity": 12.18,
    "heldout_accuracy": 0.375,
    "unigram_loss": 5.5,
    "heldout_mlm_predictions": 300,
    "heldout_mlm_loss": 2.0,
    "heldout_mlm_accuracy": 0.5,
    "unigram_mlm_loss": 5.25,
}


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "README.md"
    config = tiny_config(objective={"name": "mlm:0.5,plm:0.5"})
    write_model_card(
        str(path),
        config=config,
        manifest=MANIFEST,
        results=RESULTS,
        origin={"path": "/somewhere/mpnet-base"},
    )
    return path.read_text()


@pytest.mark.parametrize(
    "line",
    [
        "# mpnet pretrained by mlm:0.5,plm:0.5",
        "* train: 2,000 documents, 345,678 tokens",
        "`part-19.txt` and 3 more.",
        "| steps | 1,500 |",
        "| tokens seen | 98,765 |",
        "| began from | `mpnet-base` |",
        "| all | 800 | 2.5000 | 12.18 | 0.3750 | 5.5000 |",
        "| mlm | 300 | 2.0000 | 7.39 | 0.5000 | 5.2500 |",
    ],
)
def test_the_card_tells(card, line):
    assert line in card


def test_the_card_holds_no_path_of_the_machine(card):
    assert "/somewhere" not in card


@pytest.mark.parametrize(
    ("to", "head"),
    [
        ("keras", "---\nlibrary_name: keras-hub\n---\n"),
        ("huggingface", "---\nlibrary_name: transformers\n---\n"),
        (
            "sentence_transformers",
            "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\n---\n",
        ),
    ],
)
def test_its_head_names_the_library(card, to, head):
    changed = card_for(to, card)
    assert changed.startswith(head)
    assert changed.count("library_name") == 1
    assert changed.endswith(card.partition("# mpnet")[2])


def test_a_card_without_a_head_gets_one():
    assert card_for("keras", "# Mine\n") == "---\nlibrary_name: keras-hub\n---\n\n# Mine\n"
