"""Classification by filling a blank, against the forward pass in NumPy of one answer at a time."""

import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import GLMMaskedLM
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from tests.models.cloze_model import (
    OF_PAIRS,
    PATTERN,
    SECONDS,
    SINGLE,
    TEXTS,
    classifier,
    filled,
    preprocessor_of,
)
from tests.models.objective_views import blank_infilling
from tests.models.reference import reference_logits
from tests.models.small_models import small_backbone
from tests.models.writing_model import END, LONGEST, START, VOCABULARY_SIZE, writing_model

CLS, SEP, MASK = 2, 3, 4


def scores_of(model, x):
    return np.asarray(model(model.preprocessor(x), training=False))


def reference_scores(pattern, questions, *, with_end):
    """Computes each verbalizer's log-probability alone, behind its question."""
    model = writing_model()
    tokens_of = model.preprocessor.tokenizer
    scores = np.empty((len(questions), len(pattern.verbalizers)))
    for row, question in enumerate(questions):
        part_a = [CLS, *tokens_of(question).numpy().tolist(), SEP]
        for column, words in enumerate(pattern.verbalizers.values()):
            targets = [*tokens_of(words).numpy().tolist(), *([END] if with_end else [])]
            span = (part_a.index(MASK), [START, *targets[:-1]])
            logits = reference_logits(model, blank_infilling(part_a, [span]))
            log_sums = np.log(np.exp(logits).sum(axis=1))
            scores[row, column] = (logits[np.arange(len(targets)), targets] - log_sums).sum()
    return scores


@pytest.mark.parametrize(
    ("pattern", "with_end"), [(PATTERN, True), (SINGLE, False), (OF_PAIRS, True)]
)
def test_scores_are_those_of_the_papers_definition(pattern, with_end):
    x = (TEXTS, SECONDS) if pattern.has_pair else TEXTS
    found = scores_of(classifier(pattern), x)
    assert found.dtype == np.float32
    questions = [filled(pattern, *pair) for pair in zip(TEXTS, SECONDS, strict=True)]
    expected = reference_scores(pattern, questions, with_end=with_end)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    # What generates text scores them one at a time.
    for column, words in enumerate(pattern.verbalizers.values()):
        scores = writing_model().score(questions, [words] * len(questions), with_end=with_end)
        np.testing.assert_allclose(found[:, column], scores, atol=1e-4)


def test_a_class_does_not_see_the_others():
    expected = scores_of(classifier(), TEXTS)
    for name, words in (("d", "w4 w20 w21s"), ("c", "w22"), ("b", "w4 w6 w23 w24")):
        other = dataclasses.replace(PATTERN, verbalizers={**PATTERN.verbalizers, name: words})
        found = scores_of(classifier(other), TEXTS)
        differs = np.abs(found - expected).max(axis=0)
        for column, differing in enumerate(PATTERN.class_names):
            assert (differs[column] > 0.1) if differing == name else (differs[column] < 1e-4)


def test_other_rows_and_padding_change_nothing():
    model = classifier()
    texts = [*TEXTS, "w15 " * 30]
    together = scores_of(model, texts)
    assert model.preprocessor(texts)["token_ids"].shape[1] == 64
    for text, expected in zip(texts, together, strict=True):
        np.testing.assert_allclose(scores_of(model, [text])[0], expected, atol=1e-4)


@pytest.mark.parametrize("pattern", [PATTERN, OF_PAIRS])
def test_raw_text_is_taken_however_it_comes(pattern):
    model = classifier(pattern)
    model.compile(jit_compile=False)
    x = (TEXTS, SECONDS) if pattern.has_pair else TEXTS
    expected = scores_of(model, x)
    dataset = tf.data.Dataset.from_tensor_slices((x,)).batch(3)
    for found in (
        model.predict(x, batch_size=2, verbose=0),
        model.predict(dataset, verbose=0),
        model.predict_on_batch(model.preprocessor(x)),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def fresh_classifier(**settings):
    keras.utils.set_random_seed(0)
    backbone = small_backbone(
        "glm",
        vocabulary_size=VOCABULARY_SIZE,
        max_sequence_length=LONGEST,
        num_layers=1,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.2,
        **settings,
    )
    return GLMClozeClassifier(backbone, preprocessor_of())


def test_fit_learns_a_few_examples():
    model = fresh_classifier()
    assert not model.compiled
    texts = [f"w{number} w8" for number in range(10, 18)]
    labels = np.array([0, 1, 2, 3, 3, 2, 1, 0])
    model.compile(keras.optimizers.Adam(0.02), metrics=["accuracy"], jit_compile=False)
    logits = model.predict(texts, verbose=0)
    loss, _ = model.evaluate(texts, labels, verbose=0)
    log_sums = np.log(np.exp(logits).sum(axis=1))
    assert loss == pytest.approx((log_sums - logits[np.arange(8), labels]).mean(), rel=1e-4)
    # As one epoch: to begin one takes longer than its step.
    batches = tf.data.Dataset.from_tensor_slices((texts, labels)).batch(8).repeat(30)
    model.fit(batches, verbose=0)
    loss, accuracy = model.evaluate(texts, labels, verbose=0)
    assert accuracy == 1 and loss < 0.1


def test_every_weight_learns():
    model = fresh_classifier()
    inputs = model.preprocessor(TEXTS)
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        labels = tf.constant([0, 1, 2, 3])
        loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0, weight.path


def test_scores_are_float32_whatever_the_policy():
    model = classifier()
    narrow = fresh_classifier(dtype="mixed_bfloat16")
    wide = fresh_classifier()
    for weight, value in zip(narrow.weights, wide.weights, strict=True):
        weight.assign(value)
    inputs = model.preprocessor(TEXTS)
    found, expected = np.asarray(narrow(inputs)), np.asarray(wide(inputs))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.1)


PRINT_SCORES = """
import sys, mpnet_tf.models
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
model = GLMClozeClassifier.from_preset(sys.argv[1])
model.compile(jit_compile=False)
print("classes", *model.class_names)
print("scores", *model.predict(sys.argv[2:], verbose=0).ravel())
"""


def test_a_preset_comes_back_in_a_fresh_process(tmp_path):
    model = classifier()
    model.save_to_preset(str(tmp_path))
    command = [sys.executable, "-c", PRINT_SCORES, str(tmp_path), *TEXTS]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {name: values for name, *values in map(str.split, lines)}
    assert tuple(found["classes"]) == PATTERN.class_names
    expected = scores_of(model, TEXTS)
    np.testing.assert_allclose(np.array(found["scores"], float), expected.ravel(), atol=1e-4)


def test_a_saved_classifier_comes_back(tmp_path):
    model = classifier()
    expected = scores_of(model, TEXTS)
    model.save_to_preset(str(tmp_path / "preset"))
    restored = GLMClozeClassifier.from_preset(str(tmp_path / "preset"))
    assert restored.preprocessor.pattern == PATTERN and not restored.compiled
    assert restored.preprocessor.sequence_length == model.preprocessor.sequence_length
    np.testing.assert_allclose(scores_of(restored, TEXTS), expected, atol=1e-5)
    other = GLMClozeClassifier.from_preset(str(tmp_path / "preset"), pattern=SINGLE)
    np.testing.assert_allclose(
        scores_of(other, TEXTS), scores_of(classifier(SINGLE), TEXTS), atol=1e-5
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.class_names == PATTERN.class_names
    inputs = model.preprocessor(TEXTS)
    np.testing.assert_allclose(np.asarray(loaded(inputs)), expected, atol=1e-5)


@pytest.mark.parametrize("saved", ["masked_lm", "backbone", "causal_lm"])
def test_presets_of_pretraining_classify(saved, tmp_path):
    model, directory = writing_model(), str(tmp_path)
    {
        "masked_lm": GLMMaskedLM(model.backbone, lm_head=model.lm_head),
        "backbone": model.backbone,
        "causal_lm": model,
    }[saved].save_to_preset(directory)
    with pytest.raises(ValueError, match=r"`preset` must have a tokenizer|`pattern` must be given"):
        GLMClozeClassifier.from_preset(directory, pattern=PATTERN if saved == "backbone" else None)
    model.preprocessor.tokenizer.save_to_preset(directory)
    with pytest.raises(ValueError, match=r"`pattern` must be given for a preset that has none"):
        GLMClozeClassifier.from_preset(directory)
    restored = GLMClozeClassifier.from_preset(directory, pattern=PATTERN, name="mine")
    assert restored.name == "mine" and restored.class_names == PATTERN.class_names
    expected = scores_of(classifier(), TEXTS)
    np.testing.assert_allclose(scores_of(restored, TEXTS), expected, atol=1e-5)
    bare = GLMClozeClassifier.from_preset(directory, preprocessor=None, dtype="bfloat16")
    assert bare.class_names is None and bare.backbone.dtype_policy.name == "bfloat16"


def test_the_checkpoint_of_glms_authors_needs_a_pattern_and_a_tokenizer(tmp_path):
    from tests.conversion.test_glm_checkpoint import GLM, save

    path = save(tmp_path / "mp_rank_00_model_states.pt", GLM())
    with pytest.raises(ValueError, match="`pattern` must be given"):
        GLMClozeClassifier.from_preset(path)
    with pytest.raises(ValueError, match="`preset` must have a tokenizer"):
        GLMClozeClassifier.from_preset(path, pattern=PATTERN)


def test_a_tokenizer_must_fit_the_body():
    small = small_backbone("glm", vocabulary_size=20, num_layers=1)
    with pytest.raises(ValueError, match=r"`tokenizer` .*`vocabulary_size`, 20\. Received: .* 40"):
        GLMClozeClassifier(small, preprocessor_of()).predict(TEXTS, verbose=0)


def test_what_cannot_be_is_refused_before_anything_is_computed():
    model = classifier()
    with pytest.raises(ValueError, match=r"`y` must be ids of the classes, from 0 to 3\. .* 'a'"):
        model.fit(TEXTS, ["a", "a", "b", "c"])
    with pytest.raises(ValueError, match=r"`x` must be texts for the pattern .*pairs of texts"):
        model.predict((TEXTS, SECONDS))
