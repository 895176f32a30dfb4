"""Tags of words from a token classifier, against `transformers`, and their training rows."""

import keras
import numpy as np
import pytest

from mpnet_tf.conversion.huggingface_tokenizer import write_tokenizer
from mpnet_tf.finetuning.conll import TaggedSentence, read_conll
from mpnet_tf.finetuning.entity_metrics import EntityScores, compute_entity_metrics
from mpnet_tf.finetuning.tagged_batches import tagged_batches
from mpnet_tf.models import MPNetTextPreprocessor, MPNetTokenClassifier, MPNetTokenizer
from mpnet_tf.models.word_packer import WordPacker
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers
from tests.models.small_models import small_backbone

WORDS = ["the", "cat", "##s", "sat", "on", "mat", "-", "town", "new", "york", "."]
VOCABULARY = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
LENGTH = 24


@pytest.fixture(scope="module")
def their_model(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("tagger"))
    model = peer_models.make_model("MPNetForTokenClassification", vocab_size=len(VOCABULARY))
    model.save_pretrained(path)
    settings = MPNetTokenizer(VOCABULARY, model_max_length=LENGTH).settings()
    write_tokenizer(settings, path, model_type="mpnet")
    return path, model, transformers.AutoTokenizer.from_pretrained(path)


def their_classes(model, tokenizer, words, stride):
    """The class of each word by its first token, of several windows the one with most around it."""
    features = tokenizer(
        words,
        is_split_into_words=True,
        truncation=True,
        max_length=LENGTH,
        stride=stride,
        return_overflowing_tokens=True,
    )
    found = {}
    num_windows = len(features["input_ids"])
    for row, ids in enumerate(features["input_ids"]):
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].numpy()
        word_ids = features.word_ids(row)
        for place in range(1, len(ids) - 1):
            word = word_ids[place]
            if word == word_ids[place - 1]:
                continue
            if place == 1 and row and word in found and found[word][2] != row:
                before = [one for one in features.word_ids(row - 1) if one is not None]
                if before[len(before) - stride - 1] == word:
                    continue
            to_start = place - 1 if row else np.inf
            to_end = len(ids) - 2 - place if row + 1 < num_windows else np.inf
            distance = min(to_start, to_end)
            if word not in found or distance > found[word][0]:
                found[word] = (distance, int(logits[place].argmax()), row)
    return [found[word][1] if word in found else None for word in range(len(words))]


def test_tags_are_those_of_transformers(their_model, caplog):
    path, model, tokenizer = their_model
    tagger = MPNetTokenClassifier.from_preset(path)
    assert tagger.preprocessor.sequence_length == LENGTH
    generator = np.random.default_rng(5)
    choices = ["the", "cats", "sat", "on-mat", "New", "York", "\0", "town.", "zz"]
    texts = [generator.choice(choices, length).tolist() for length in (0, 5, 18, 70, 1)]
    texts[1][2] = "\0"
    for stride in (None, 0, 9):
        found = tagger.tag(texts, stride=stride, class_without_tokens=2)
        windows = LENGTH // 4 if stride is None else stride
        expected = [
            their_classes(model, tokenizer, words, windows) if words else [] for words in texts
        ]
        assert found == [[2 if one is None else one for one in row] for row in expected]
    assert len({one for row in found for one in row}) == 3
    num_missing = sum(one is None for row in expected for one in row)
    assert num_missing and f"{num_missing} words have no tokens; their class is 2" in caplog.text
    assert tagger.tag([]) == [] and tagger.tag([[]]) == [[]]


def sentences():
    entities = {"New": "B-LOC", "York": "I-LOC", "town": "B-LOC"}
    texts = [
        "the cats sat on New York .",
        "New York",
        "the cat on town - mat",
        "\0 cats sat . town",
        "the mat " * 6 + "New York",
    ]
    return [
        TaggedSentence(
            tuple(text.split(" ")), tuple(entities.get(word, "O") for word in text.split(" ")), line
        )
        for line, text in enumerate(texts, 1)
    ]


def test_training_rows_teach_the_tags(tmp_path, caplog):
    path = tmp_path / "words.txt"
    rows = [zip(sentence.words, sentence.labels, strict=True) for sentence in sentences()]
    path.write_text("\n\n".join("\n".join(map("\t".join, row)) for row in rows), encoding="utf-8")
    read = read_conll(path)
    keras.utils.set_random_seed(1)
    names = ("O", "B-LOC", "I-LOC")
    backbone = small_backbone(
        "mpnet", num_layers=1, dropout=0.0, attention_dropout=0.0, initializer_stddev=0.3
    )
    preprocessor = MPNetTextPreprocessor(MPNetTokenizer(VOCABULARY), sequence_length=12)
    tagger = MPNetTokenClassifier(
        backbone, 3, preprocessor=preprocessor, dropout=0.0, class_names=names
    )
    packer = WordPacker(preprocessor.tokenizer, 12, stride=3)
    batches = tagged_batches(read, packer, names, batch_size=4, seed=0)
    assert "1 of the 34 words are empty or have no tokens" in caplog.text
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    # Without XLA: compiling takes longer than the steps.
    tagger.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    tagger.fit(batches, epochs=30, verbose=0)
    found = tagger.tag([sentence.words for sentence in read], class_without_tokens="O")
    assert found == [list(sentence.labels) for sentence in sentences()]
    metrics = compute_entity_metrics([sentence.labels for sentence in read], found)
    assert metrics.overall == EntityScores(1, 1, 1, 5)
    assert found == tagger.tag([sentence.words for sentence in read])
    with pytest.raises(ValueError, match=r"must be one of \('O'.*class_without_tokens='X'"):
        tagger.tag([["cat"]], class_without_tokens="X")
    with pytest.raises(ValueError, match=r"`class_without_tokens` must .*tokens=3"):
        tagger.tag([["cat"]], class_without_tokens=3)
    tagger.preprocessor = None
    with pytest.raises(ValueError, match=r"`preprocessor` of the model .*`MPNetTextPreprocessor`"):
        tagger.tag([["cat"]])


def test_bad_training_data_is_refused():
    packer = WordPacker(MPNetTokenizer(VOCABULARY), 12)
    with pytest.raises(
        ValueError, match=r"all labels.*\('O', 'B-LOC'\), without 'I-LOC' .* line 1"
    ):
        tagged_batches(sentences(), packer, ("O", "B-LOC"), batch_size=2, seed=0)
    with pytest.raises(ValueError, match="`sentences` must not be empty"):
        tagged_batches([], packer, ("O",), batch_size=2, seed=0)
