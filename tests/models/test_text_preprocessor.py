"""Raw text through the tasks, against transformers and sentence-transformers."""

import doctest
import json
import os
import shutil
import subprocess
import sys

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

import mpnet_tf.models
from mpnet_tf.conversion.huggingface_tokenizer import write_tokenizer
from mpnet_tf.models import (
    BertTextClassifier,
    BertTextPreprocessor,
    BertTokenizer,
    MPNetBackbone,
    MPNetTextClassifier,
    MPNetTextEmbedder,
    MPNetTextPreprocessor,
    MPNetTokenizer,
    TransformerTextClassifier,
    TransformerTextPreprocessor,
    make_backbone,
)
from mpnet_tf.models.preset_conversion import convert
from tests.conversion import peer_models
from tests.conversion.peer_models import transformers

WORDS = ["the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran", "into", "town", "."]
VOCABULARIES = {
    "mpnet": ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"],
    "bert": ["[PAD]", "[UNK]", *WORDS, "[CLS]", "[SEP]", "[MASK]"],
}
# Of the tokenizers: shorter than what the bodies take.
LONGEST = 23
FIRSTS = [
    "The cat sat on the mats.",
    "",
    "\U0001f600 dög",
    "cat " * 200,
    "a <mask> [SEP] </s>",
    " ",
]
SECONDS = ["A dog ran", "", "into town \U0001f408‍⬛", "dog " * 90, "the mat " * 30, "."]
LABELS = [0, 1, 2, 0, 1, 2]
CLASSIFIERS = {"mpnet": MPNetTextClassifier, "bert": BertTextClassifier}


def tokenizer_of(kind, vocabulary=None, **settings):
    tokenizer_cls = {"mpnet": MPNetTokenizer, "bert": BertTokenizer}[kind]
    return tokenizer_cls(VOCABULARIES[vocabulary or kind], **settings)


def preprocessor_of(kind, vocabulary=None, **settings):
    cls = {"mpnet": MPNetTextPreprocessor, "bert": BertTextPreprocessor}[kind]
    return cls(tokenizer_of(kind, vocabulary), **{"sequence_length": LONGEST, **settings})


def small_backbone(kind, **settings):
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 16}
    size = len(VOCABULARIES[kind])
    return make_backbone(kind, size, **{**sizes, "max_sequence_length": 30, **settings})


def small_classifier(kind, **settings):
    keras.utils.set_random_seed(1)
    backbone = small_backbone(kind, dropout=0.0, attention_dropout=0.0, initializer_stddev=0.3)
    settings = {"num_classes": 3, "preprocessor": preprocessor_of(kind), **settings}
    return CLASSIFIERS[kind](backbone, dropout=0.0, **settings)


def rows(packed):
    return {name: np.asarray(value).tolist() for name, value in packed.items()}


@pytest.fixture(scope="module", params=["mpnet", "bert"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def their_classifier(kind, tmp_path_factory):
    """A directory of `transformers` with a classifier, and a pipeline with it."""
    path = str(tmp_path_factory.mktemp(kind))
    class_name = {"mpnet": "MPNet", "bert": "Bert"}[kind] + "ForSequenceClassification"
    size = len(VOCABULARIES[kind])
    peer_models.make_model(class_name, vocab_size=size).save_pretrained(path)
    settings = tokenizer_of(kind, model_max_length=LONGEST).settings()
    write_tokenizer(settings, path, model_type=kind)
    return path, transformers.pipeline("text-classification", path, device="cpu")


@pytest.fixture(scope="module")
def their_embedder(tmp_path_factory):
    """A directory of sentence-transformers, and its model, which has a prompt by default."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    path = tmp_path_factory.mktemp("embedder")
    model = peer_models.make_model("MPNetModel", vocab_size=len(VOCABULARIES["mpnet"]))
    model.save_pretrained(path / "body")
    write_tokenizer(tokenizer_of("mpnet").settings(), str(path / "body"), model_type="mpnet")
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = Transformer(str(path / "body"), max_seq_length=LONGEST)
    model = sentence_transformers.SentenceTransformer(
        modules=[body, Pooling(32, pooling_mode="mean"), Normalize()],
        prompts={"query": "the cat: ", "document": ""},
        default_prompt_name="query",
        device="cpu",
    )
    model.save(str(path / "saved"))
    return str(path / "saved"), model


def their_logits(pipeline, texts):
    found = pipeline(texts, truncation=True, top_k=None, function_to_apply="none")
    labels = pipeline.model.config.label2id
    logits = np.zeros((len(found), len(labels)))
    for row, scores in zip(logits, found, strict=True):
        for score in scores:
            row[labels[score["label"]]] = score["score"]
    return logits


@pytest.mark.parametrize("pad_to", ["sequence_length", "longest"])
def test_logits_are_those_of_a_pipeline_of_transformers(kind, their_classifier, pad_to):
    path, pipeline = their_classifier
    classifier = CLASSIFIERS[kind].from_preset(path)
    assert classifier.preprocessor.sequence_length == LONGEST
    classifier.preprocessor.pad_to = pad_to
    # For an empty second text the pipeline, but not the tokenizer on lists, makes no pair.
    seconds = [second or "." for second in SECONDS]
    pairs = [
        {"text": first, "text_pair": second} for first, second in zip(FIRSTS, seconds, strict=True)
    ]
    for inputs, texts in ((FIRSTS, FIRSTS), ((FIRSTS, seconds), pairs)):
        expected = their_logits(pipeline, texts)
        # The limits of float32 in logits of this size, batched otherwise.
        tolerance = 1e-5 * np.abs(expected).max()
        found = classifier.predict(inputs, batch_size=2, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_embeddings_are_those_of_sentence_transformers(their_embedder, tmp_path):
    path, source = their_embedder
    embedder = MPNetTextEmbedder.from_preset(path)
    assert embedder.preprocessor.sequence_length == LONGEST
    expected = source.encode(FIRSTS)
    found = embedder.predict(FIRSTS, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    without_prompt = MPNetTextPreprocessor.from_preset(path, prompt="")
    other = MPNetTextEmbedder.from_preset(path, preprocessor=without_prompt)
    expected = source.encode(FIRSTS, prompt_name="document")
    assert np.abs(expected - found).max() > 0.01
    np.testing.assert_allclose(other.predict(FIRSTS, verbose=0), expected, rtol=0, atol=1e-5)
    # Converted into a preset first.
    convert(path, str(tmp_path / "preset"), to="keras")
    again = MPNetTextEmbedder.from_preset(str(tmp_path / "preset"))
    np.testing.assert_array_equal(again.predict(FIRSTS, verbose=0), found)


def test_a_shorter_length_goes_along_to_sentence_transformers(their_embedder, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    path, _ = their_embedder
    shorter = MPNetTextPreprocessor.from_preset(path, sequence_length=9, prompt="")
    embedder = MPNetTextEmbedder.from_preset(path, preprocessor=shorter)
    embedder.save_to_preset(str(tmp_path / "preset"))
    convert(str(tmp_path / "preset"), str(tmp_path / "back"), to="sentence_transformers")
    back = sentence_transformers.SentenceTransformer(str(tmp_path / "back"), device="cpu")
    assert back.max_seq_length == 9
    found = embedder.predict(FIRSTS, verbose=0)
    np.testing.assert_allclose(found, back.encode(FIRSTS), rtol=0, atol=1e-5)


def test_a_tuple_of_two_is_a_pair_and_labels_pass_through(kind):
    preprocessor = preprocessor_of(kind)
    pairs = preprocessor(x=(FIRSTS, SECONDS))
    assert rows(preprocessor((FIRSTS, SECONDS))) == rows(pairs)
    weights = object()
    packed, labels = preprocessor((FIRSTS, SECONDS), LABELS)
    assert labels is LABELS and rows(packed) == rows(pairs)
    packed, labels, found_weights = preprocessor(FIRSTS, LABELS, weights)
    assert labels is LABELS and found_weights is weights
    assert rows(packed) == rows(preprocessor(np.array(FIRSTS, object)))
    assert rows(preprocessor((tf.constant(FIRSTS), SECONDS))) == rows(pairs)
    assert rows(packed) != rows(pairs)


def test_eager_calls_and_datasets_agree(kind):
    preprocessor = preprocessor_of(kind, prompt="a dog ", pad_to="longest")
    dataset = tf.data.Dataset.from_tensor_slices(((FIRSTS, SECONDS), LABELS)).batch(len(FIRSTS))
    ((packed, labels),) = dataset.map(preprocessor)
    assert labels.numpy().tolist() == LABELS
    prompted = [f"a dog {text}" for text in FIRSTS]
    expected = rows(preprocessor_of(kind, pad_to="longest")((prompted, SECONDS)))
    assert rows(packed) == rows(preprocessor((FIRSTS, SECONDS))) == expected
    (alone,) = tf.data.Dataset.from_tensors((FIRSTS,)).map(preprocessor)
    assert rows(alone) == rows(preprocessor(FIRSTS))


def test_rows_as_long_as_the_longest():
    texts = ["a cat", "the dog ran", ""]
    full = preprocessor_of("bert")(texts)
    cut = preprocessor_of("bert", pad_to="longest")(texts)
    assert set(full) == set(cut) == {"token_ids", "padding_mask", "segment_ids"}
    for name, values in cut.items():
        # [CLS] the dog ran [SEP]
        assert values.shape == (3, 5) and full[name].shape == (3, LONGEST)
        np.testing.assert_array_equal(values, full[name][:, :5])
    assert preprocessor_of("bert", pad_to="longest")(FIRSTS)["token_ids"].shape[1] == LONGEST


def test_segment_ids_are_as_the_body_has_them():
    pair = (["a"], ["cat"])
    packed = preprocessor_of("mpnet", vocabulary="bert")(pair)
    # [CLS] a [SEP] cat [SEP]
    assert packed["token_ids"][0, :5].numpy().tolist() == [14, 8, 15, 3, 15]
    assert set(packed) == {"token_ids", "padding_mask"}
    packed = preprocessor_of("bert", vocabulary="mpnet")(pair)
    assert not packed["segment_ids"].numpy().any()
    packed = TransformerTextPreprocessor(tokenizer_of("bert"), sequence_length=6)(pair)
    assert packed["segment_ids"].numpy().tolist() == [[0, 0, 0, 1, 1, 0]]


def batches_by_transformers(kind, path, *texts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    encoded = tokenizer(*texts, truncation=True, padding="max_length", return_tensors="np")
    names = {"token_ids": "input_ids", "padding_mask": "attention_mask"}
    if kind == "bert":
        names["segment_ids"] = "token_type_ids"
    return {name: encoded[theirs] for name, theirs in names.items()}


@pytest.mark.parametrize("is_pair", [False, True])
def test_fit_learns_the_same_from_raw_text_in_every_form(kind, is_pair, their_classifier):
    texts = (FIRSTS, SECONDS) if is_pair else (FIRSTS,)
    ready = batches_by_transformers(kind, their_classifier[0], *texts)
    x = texts if is_pair else FIRSTS
    dataset = tf.data.Dataset.from_tensor_slices((x, LABELS)).batch(4)
    arrays = tuple(map(np.array, texts)) if is_pair else np.array(FIRSTS)
    forms = {
        "lists": (preprocessor_of(kind), x, LABELS),
        "arrays": (preprocessor_of(kind), arrays, np.array(LABELS)),
        "dataset": (preprocessor_of(kind), dataset),
        "a ready batch for a model of raw text": (preprocessor_of(kind), ready, np.array(LABELS)),
    }
    expected = kernel_and_loss(kind, None, ready, np.array(LABELS))
    for form, data in forms.items():
        for found, wanted in zip(kernel_and_loss(kind, *data), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6, err_msg=form)


def kernel_and_loss(kind, preprocessor, *data):
    """Fits a small classifier; returns a matrix of its head, and the loss it ends with."""
    model = small_classifier(kind, preprocessor=preprocessor)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Faster than compiling so few steps; the preprocessor runs in the graph all the same.
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    batch_size = 4 if len(data) == 2 else None
    model.fit(*data, batch_size=batch_size, shuffle=False, verbose=0)
    kernel = np.asarray(model.output_dense.kernel)
    return kernel, model.evaluate(*data, batch_size=batch_size, verbose=0)


def settings_of(preprocessor):
    config = preprocessor.get_config()
    return {name: config[name] for name in ("sequence_length", "pad_to", "prompt")}


def check_same_outputs(found, model):
    assert type(found.preprocessor) is type(model.preprocessor)
    assert settings_of(found.preprocessor) == settings_of(model.preprocessor)
    outputs = [np.asarray(one(one.preprocessor((FIRSTS, SECONDS)))) for one in (found, model)]
    np.testing.assert_allclose(*outputs, rtol=0, atol=1e-6)


LOADING_PROGRAM = """
import json, sys
import keras_hub
import mpnet_tf.models
model = keras_hub.models.TextClassifier.from_preset(sys.argv[1])
print(json.dumps(model.predict(json.loads(sys.argv[2]), verbose=0).tolist()))
"""


def test_a_preset_and_a_file_bring_the_preprocessor_back(kind, tmp_path):
    settings = {"pad_to": "longest", "prompt": "a ", "sequence_length": 11}
    model = small_classifier(kind, preprocessor=preprocessor_of(kind, **settings))
    preset = str(tmp_path / "preset")
    model.save_to_preset(preset)
    model.save(tmp_path / "model.keras")
    for cls in (type(model), TransformerTextClassifier, keras_hub.models.TextClassifier):
        check_same_outputs(cls.from_preset(preset), model)
    check_same_outputs(keras.saving.load_model(tmp_path / "model.keras"), model)
    assert type(model).from_preset(preset, preprocessor=None).preprocessor is None
    found = TransformerTextPreprocessor.from_preset(preset, sequence_length=7)
    assert (found.sequence_length, found.prompt) == (7, "a ")
    output = subprocess.run(
        [sys.executable, "-c", LOADING_PROGRAM, preset, json.dumps(FIRSTS)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    expected = model(model.preprocessor(FIRSTS))
    np.testing.assert_allclose(json.loads(output.splitlines()[-1]), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("longest", "room", "expected"), [(None, 30, 30), (None, 600, 512), (9, 30, 9), (99, 30, 30)]
)
def test_a_preset_with_just_a_tokenizer(longest, room, expected, kind, tmp_path):
    preset = str(tmp_path)
    backbone = small_backbone(kind, max_sequence_length=room)
    backbone.save_to_preset(preset)
    tokenizer_of(kind, model_max_length=longest).save_to_preset(preset)
    model = CLASSIFIERS[kind].from_preset(preset, num_classes=2)
    assert type(model.preprocessor) is CLASSIFIERS[kind].preprocessor_cls
    assert model.preprocessor.sequence_length == expected
    assert model(model.preprocessor((FIRSTS, SECONDS))).shape == (len(FIRSTS), 2)
    of_base = keras_hub.models.TextClassifier.from_preset(preset, num_classes=2)
    assert settings_of(of_base.preprocessor) == settings_of(model.preprocessor)


def test_without_a_tokenizer_there_is_no_preprocessor(tmp_path):
    model = small_classifier("mpnet", preprocessor=None)
    model.save_to_preset(str(tmp_path / "preset"))
    assert MPNetTextClassifier.from_preset(str(tmp_path / "preset")).preprocessor is None
    peer_models.make_model("MPNetForSequenceClassification").save_pretrained(tmp_path / "theirs")
    theirs = str(tmp_path / "theirs")
    assert MPNetTextClassifier.from_preset(theirs).preprocessor is None
    with pytest.raises(ValueError, match=r"`preset` must have a tokenizer.*theirs'"):
        MPNetTextPreprocessor.from_preset(theirs)
    with pytest.raises(ValueError, match=r"must be for a `MPNetBackbone`.*BertTextPreprocessor"):
        BertTextPreprocessor.from_preset(theirs)


def test_a_preset_that_lost_its_vocabulary_is_refused(tmp_path):
    small_classifier("mpnet").save_to_preset(str(tmp_path))
    shutil.rmtree(tmp_path / "assets")
    with pytest.raises(FileNotFoundError, match=r"vocabulary\.txt"):
        MPNetTextClassifier.from_preset(str(tmp_path))
    (tmp_path / "preprocessor.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"vocabulary\.txt"):
        MPNetTextClassifier.from_preset(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_length": 31}, r"at most the body's `max_sequence_length`, 30.*length=31"),
        ({"has_segment_ids": True}, r"`has_segment_ids` .* must be False .*segment_ids=True"),
    ],
)
def test_a_preprocessor_for_another_body_is_refused(settings, message):
    model = small_classifier("mpnet", preprocessor=preprocessor_of("mpnet", **settings))
    with pytest.raises(ValueError, match=message):
        model.predict(FIRSTS, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.preprocessor.check_fits(model.backbone)


def test_a_tokenizer_with_more_tokens_than_the_body_is_refused():
    backbone = MPNetBackbone(10, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8)
    with pytest.raises(ValueError, match=r"`vocabulary_size`, 10\. .*a tokenizer with 17"):
        preprocessor_of("mpnet").check_fits(backbone)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"`pad_to` must be one of.*pad_to='row'"):
        preprocessor_of("mpnet", pad_to="row")
    with pytest.raises(ValueError, match=r"`sequence_length` must be at least 2"):
        preprocessor_of("mpnet", sequence_length=1)
    with pytest.raises(ValueError, match=r"Received: shape=\(2, 1\)"):
        preprocessor_of("mpnet")([["a"], ["b"]])


@pytest.mark.parametrize(
    "module", ["text_preprocessor", "mpnet_text_preprocessor", "bert_text_preprocessor"]
)
def test_the_examples_in_the_documentation_run(module):
    results = doctest.testmod(sys.modules[f"{mpnet_tf.models.__name__}.{module}"])
    assert results.attempted > 0 and results.failed == 0
