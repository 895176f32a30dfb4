"""The choice of a run's tokenizer where its start was cut off, or its weights are one file."""

import pytest

from mpnet_tf.cli.run_tokenizer import open_run_tokenizer
from mpnet_tf.conversion.checkpoint_vocabulary import fitted, read_checkpoint_vocabulary
from mpnet_tf.models.tokenizers import tokenizer_of_body
from mpnet_tf.training.run_directory import RunDirectory
from mpnet_tf.training.trained_weights import TrainedWeights
from mpnet_tf.training.warm_start import WarmStart
from tests.tiny_run import tiny_config, write_corpus

READING = {"json_field": "text", "strict": False}
REFUSAL = r"--vocab must be the vocabulary .*Received: --vocab={}, whose .* own in \S+/{}\. Leave"
NUM_ROWS = 16
CONFIG = tiny_config(data={"vocabulary_size": 90})


def open_tokenizer(folder, vocabulary, *, config=CONFIG, warm_start=None):
    run = RunDirectory(str(folder / "run"), config)
    if warm_start is not None:
        run.begin_from(warm_start.origin())
    return open_run_tokenizer(
        config,
        run,
        warm_start,
        patterns=[str(folder / "text.txt")],
        vocabulary_path=None if vocabulary is None else str(folder / vocabulary),
        reading=READING,
    )


@pytest.fixture
def folder(tmp_path):
    write_corpus(tmp_path / "text.txt")
    # As fairseq writes it: it adds its special tokens itself.
    (tmp_path / "dict.txt").write_text("[UNK] 9\nthe 5\ncat 4\nsat 2\n")
    (tmp_path / "swapped.txt").write_text("[UNK] 9\ncat 5\nthe 4\nsat 2\n")
    tokens = ["<s>", "<pad>", "</s>", "[UNK]", "the", "cat", "<mask>"]
    (tmp_path / "other.vocab").write_text("\n".join(tokens))
    return tmp_path


@pytest.fixture
def weights_in_a_file(folder):
    """Weights whose vocabulary was filled up to the rows of their table."""
    vocabulary, path = str(folder / "dict.txt"), folder / "weights.pt"
    path.touch()
    settings = fitted(read_checkpoint_vocabulary(vocabulary), NUM_ROWS, path=vocabulary)
    tokenizer = tokenizer_of_body("mpnet", settings)
    return WarmStart(
        TrainedWeights(
            str(path),
            "model",
            model_settings={},
            weights={},
            hashes={"weights.pt": "0"},
            tokenizer=tokenizer,
            tokenizer_fingerprint=tokenizer.fingerprint,
        )
    )


def test_a_trained_vocabulary_is_kept_before_there_are_shards(folder):
    trained = open_tokenizer(folder, None)
    assert "cat" in trained.get_vocabulary()
    assert not (folder / "run" / "shards").exists()
    for vocabulary in (None, "run/vocab.txt"):
        assert open_tokenizer(folder, vocabulary).fingerprint == trained.fingerprint
    with pytest.raises(ValueError, match=REFUSAL.format(r"\S+/other\.vocab", r"vocab\.txt")):
        open_tokenizer(folder, "other.vocab")


def test_a_vocabulary_fits_a_table_when_it_is_given_again(folder, weights_in_a_file):
    first = open_tokenizer(folder, "dict.txt", warm_start=weights_in_a_file)
    assert first.vocabulary_size() == NUM_ROWS
    # Before the first checkpoint the weights are read again, and not after it.
    for warm_start in (weights_in_a_file, None):
        for vocabulary in (None, "dict.txt"):
            again = open_tokenizer(folder, vocabulary, warm_start=warm_start)
            assert again.fingerprint == first.fingerprint
        with pytest.raises(ValueError, match=REFUSAL.format(r"\S+/swapped\.txt", "tokenizer")):
            open_tokenizer(folder, "swapped.txt", warm_start=warm_start)


def test_shards_of_a_start_that_was_not_begun_do_not_decide(folder):
    shards = folder / "run" / "shards"
    open_tokenizer(folder, "other.vocab").save_to_preset(shards / "tokenizer")
    config = tiny_config(data={"vocabulary_size": 90, "lowercase": False})
    assert not open_tokenizer(folder, "other.vocab", config=config).lowercase
