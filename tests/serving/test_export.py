"""Exported models, in a process that has TensorFlow alone, answer as the Keras models do."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import (
    ClozePattern,
    GLMClozeClassifier,
    GLMClozePreprocessor,
    open_tokenizer,
)
from mpnet_tf.serving.export import check_output, export_model
from mpnet_tf.serving.served_tasks import ServingSettings
from tests.serving.tiny_models import SEQUENCE_LENGTH, TEXTS, tiny_model, tiny_writer

SETTINGS = ServingSettings(top_k=3, max_new_tokens=6)
TOLERANCE = 1e-5
MASKED = ["the <mask> sat on <mask>.", *TEXTS, "<mask>" * 40, "<mask>s 猫 <mask>"]
# 64 texts, more than any group of rows that is computed at once.
MANY = (TEXTS * 4)[:64]
WORDS = [text.split() for text in TEXTS]


def cloze_classifier():
    """Makes a tiny `GLMClozeClassifier` for pairs."""
    writer = tiny_writer()
    pattern = ClozePattern("{text} ? [MASK] , {pair}", {"no": "red", "yes": "big blue"})
    preprocessor = GLMClozePreprocessor(
        writer.preprocessor.tokenizer, pattern, sequence_length=SEQUENCE_LENGTH
    )
    return GLMClozeClassifier(writer.backbone, preprocessor, lm_head=writer.lm_head)


MODELS = {
    "mpnet_masked_lm": (lambda: tiny_model("masked_lm", "mpnet"), ["fill_mask", "score", "embed"]),
    "bert_masked_lm": (lambda: tiny_model("masked_lm", "bert"), ["score", "fill_mask"]),
    "mpnet_embedder": (lambda: tiny_model("text_embedder", "mpnet"), ["embed"]),
    "bert_embedder": (
        lambda: tiny_model("text_embedder", "bert", pooling="max", dense_dim=7, normalize=False),
        ["embed"],
    ),
    "mpnet_classifier": (
        lambda: tiny_model(
            "text_classifier", "mpnet", num_classes=3, class_names=["good", "bad", "été"]
        ),
        ["classify"],
    ),
    "bert_classifier": (lambda: tiny_model("text_classifier", "bert", num_classes=2), ["classify"]),
    "glm_regressor": (lambda: tiny_model("text_classifier", "glm", num_classes=1), ["classify"]),
    "mpnet_tagger": (
        lambda: tiny_model("token_classifier", "mpnet", num_classes=3, class_names=["O", "B", "I"]),
        ["token_classify"],
    ),
    "bert_answerer": (lambda: tiny_model("question_answering", "bert"), ["question_answer"]),
    "writer": (tiny_writer, ["generate", "score", "fill_mask"]),
    "cloze": (cloze_classifier, ["classify"]),
}
QUESTIONS = ["where is the cat?", "who?"]
CONTEXTS = [
    "the big red dog ran to the cat on the small mat. " * 5,
    "",
    "été 猫 a b c",
    "the 😀 cat",
]
ASKED_QUESTIONS = [QUESTIONS[row % 2] for row in range(len(CONTEXTS))]
# What the model itself refuses as too long is asked elsewhere.
BLANKED = [
    "the cat",
    "a [MASK] sat on [MASK].",
    "",
    "[MASK] the  [sMASK] big [gMASK]",
    "猫 ",
    "  ",
    "😀 the cat 😀😀",
]
REQUESTS = {
    "mpnet_masked_lm": {
        "fill_mask": {"text": MASKED},
        "fill_mask_with_options": {"text": MASKED[:2], "top_k": [1, 5]},
        "score": {"text": TEXTS},
        "embed": {"text": TEXTS},
    },
    "bert_masked_lm": {
        "serving_default": {"text": TEXTS},
        "fill_mask": {"text": [text.replace("<mask>", "[MASK]") for text in MASKED]},
    },
    "mpnet_embedder": {"embed": {"text": MANY}},
    "bert_embedder": {"embed": {"text": TEXTS}},
    "mpnet_classifier": {
        "classify": {"text": MANY},
        "classify_pair": {"text": TEXTS, "text_pair": TEXTS[::-1]},
    },
    "bert_classifier": {"classify_pair": {"text": TEXTS, "text_pair": TEXTS[::-1]}},
    "glm_regressor": {"classify": {"text": TEXTS}},
    "mpnet_tagger": {
        "token_classify_words": {
            "words": tf.ragged.constant(WORDS, dtype=tf.string).to_tensor("").numpy().tolist()
        },
        "token_classify": {"text": TEXTS},
    },
    "bert_answerer": {
        "answer": {"question": ASKED_QUESTIONS, "context": CONTEXTS},
        "answer_with_options": {
            "question": ASKED_QUESTIONS,
            "context": CONTEXTS,
            "max_answer_length": [1, 2, 3, 30],
            "no_answer_threshold": [-0.5, 0.0, 0.5, 1e9],
        },
    },
    "writer": {
        "generate": {"text": BLANKED},
        "score": {"text": [text for text in TEXTS if len(text) < 20]},
        "score_continuation": {
            "text": ["the cat", "a [MASK] sat on"],
            "continuation": ["sat on", "dog"],
        },
    },
    "cloze": {"classify_pair": {"text": TEXTS, "text_pair": TEXTS[::-1]}},
}


@pytest.fixture(scope="module")
def models():
    return {name: make() for name, (make, _) in MODELS.items()}


@pytest.fixture(scope="module")
def answers(models, tmp_path_factory):
    """What a fresh process answers, from directories that were moved after the export."""
    folder = tmp_path_factory.mktemp("export")
    asked = []
    for name, (_, tasks) in MODELS.items():
        export_model(
            models[name],
            tasks,
            str(folder / "new" / name / "1"),
            settings=SETTINGS,
            measures=False,
        )
        requests = [(key, _encoded(inputs)) for key, inputs in REQUESTS[name].items()]
        asked.append((str(folder / "moved" / name / "1"), requests))
    os.rename(folder / "new", folder / "moved")
    (folder / "requests.json").write_text(json.dumps(asked), encoding="utf-8")
    script = pathlib.Path(__file__).with_name("load_and_answer.py")
    run = subprocess.run(
        [sys.executable, script, folder / "requests.json", folder / "answers.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    assert result["imported"] == []
    keys = [(name, key) for name, requests in REQUESTS.items() for key in requests]
    return dict(zip(keys, result["answers"], strict=True))


def _encoded(inputs):
    """Bytes as text, for JSON."""
    return json.loads(json.dumps(inputs, default=bytes.decode))


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("name", ["mpnet_masked_lm", "bert_masked_lm"])
def test_masks_are_filled_as_the_model_fills_them(answers, models, name):
    texts = REQUESTS[name]["fill_mask"]["text"]
    answer = answers[name, "fill_mask"]
    expected = models[name].fill_mask(texts, top_k=3)
    assert answer["num_blanks"] == [len(guesses) for guesses in expected]
    for row, blanks in enumerate(expected):
        for blank, guesses in enumerate(blanks):
            assert answer["tokens"][row][blank] == [guess.token for guess in guesses]
            close(answer["scores"][row][blank], [guess.score for guess in guesses])


def test_options_hold_for_their_own_row(answers, models):
    answer = answers["mpnet_masked_lm", "fill_mask_with_options"]
    (first, *_), _ = models["mpnet_masked_lm"].fill_mask(MASKED[:2], top_k=1)
    assert answer["tokens"][0][0] == [first[0].token, "", "", "", ""]


@pytest.mark.parametrize(
    ("name", "key"), [("mpnet_masked_lm", "score"), ("bert_masked_lm", "serving_default")]
)
def test_texts_are_scored_as_the_model_scores_them(answers, models, name, key):
    close(answers[name, key]["log_likelihood"], models[name].pseudo_log_likelihood(TEXTS))


@pytest.mark.parametrize("name", ["mpnet_embedder", "bert_embedder"])
def test_embeddings_are_the_models(answers, models, name):
    texts = REQUESTS[name]["embed"]["text"]
    close(answers[name, "embed"]["embedding"], models[name].predict(texts, verbose=0))


def test_a_masked_lm_embeds_by_the_mean_of_its_tokens(answers, models):
    model = models["mpnet_masked_lm"]
    inputs = model.preprocessor(TEXTS)
    hidden = model.backbone.predict(inputs, verbose=0)
    mask = inputs["padding_mask"].numpy()[:, :, np.newaxis]
    means = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    close(answers["mpnet_masked_lm", "embed"]["embedding"], means)


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("mpnet_classifier", "classify"),
        ("mpnet_classifier", "classify_pair"),
        ("bert_classifier", "classify_pair"),
        ("cloze", "classify_pair"),
    ],
)
def test_classes_are_the_models(answers, models, name, key):
    request, answer = REQUESTS[name][key], answers[name, key]
    texts = request["text"] if key == "classify" else (request["text"], request["text_pair"])
    expected = _softmax(models[name].predict(texts, verbose=0).astype(np.float64))
    close(answer["scores"], expected)
    names = models[name].class_names or ("0", "1")
    assert answer["labels"] == [list(names)] * len(expected)
    assert answer["label"] == [names[index] for index in expected.argmax(axis=1)]


def test_a_regression_answers_with_a_score(answers, models):
    expected = models["glm_regressor"].predict(TEXTS, verbose=0)[:, 0]
    close(answers["glm_regressor", "classify"]["score"], expected)


def test_words_have_the_classes_that_the_model_gives_them(answers, models):
    answer = answers["mpnet_tagger", "token_classify_words"]
    expected = models["mpnet_tagger"].tag(WORDS)
    assert answer["num_words"] == list(map(len, WORDS))
    for labels, row in zip(answer["labels"], expected, strict=True):
        assert labels[: len(row)] == list(row)
        assert set(labels[len(row) :]) <= {""}


def test_raw_texts_are_cut_into_words_at_spaces_and_punctuation(answers):
    answer = answers["mpnet_tagger", "token_classify"]
    assert [word for word in answer["words"][0] if word] == [
        "the",
        "cat",
        "sat",
        "on",
        "the",
        "mat",
        ".",
    ]
    for row, text in enumerate(TEXTS):
        for number in range(answer["num_words"][row]):
            start, end = answer["starts"][row][number], answer["ends"][row][number]
            assert answer["words"][row][number] == text[start:end]
            assert answer["labels"][row][number] in ("O", "B", "I")
        assert answer["words"][row][answer["num_words"][row] :] == [""] * (
            len(answer["words"][row]) - answer["num_words"][row]
        )


def test_answers_are_those_of_the_model(answers, models):
    expected = models["bert_answerer"].answer(ASKED_QUESTIONS, CONTEXTS)
    answer = answers["bert_answerer", "answer"]
    assert answer["answer"] == [one.text for one in expected]
    assert answer["start"] == [one.start for one in expected]
    assert answer["end"] == [one.end for one in expected]
    close(answer["score"], [one.score for one in expected])


def test_question_options_hold_for_their_own_row(answers, models):
    options = REQUESTS["bert_answerer"]["answer_with_options"]
    for row, context in enumerate(CONTEXTS):
        (expected,) = models["bert_answerer"].answer(
            [ASKED_QUESTIONS[row]],
            [context],
            max_answer_length=options["max_answer_length"][row],
            no_answer_threshold=options["no_answer_threshold"][row],
        )
        answer = {
            key: values[row]
            for key, values in answers["bert_answerer", "answer_with_options"].items()
        }
        assert (answer["answer"], answer["start"], answer["end"]) == (
            expected.text,
            expected.start,
            expected.end,
        )


def test_texts_are_continued_and_filled_as_the_model_does(answers, models):
    answer = answers["writer", "generate"]
    texts = REQUESTS["writer"]["generate"]["text"]
    for row, filled in enumerate(models["writer"].fill(texts, max_new_tokens=6)):
        assert answer["text"][row] == filled.text
        assert answer["generated"][row][: len(filled.parts)] == list(filled.parts)
        assert answer["num_tokens"][row][: len(filled.parts)] == list(map(len, filled.token_ids))


def test_a_writer_scores_texts_as_the_model_does(answers, models):
    texts = REQUESTS["writer"]["score"]["text"]
    close(
        answers["writer", "score"]["log_likelihood"],
        models["writer"].score([""] * len(texts), texts),
    )
    close(
        answers["writer", "score_continuation"]["log_likelihood"],
        models["writer"].score(["the cat", "a [MASK] sat on"], ["sat on", "dog"]),
    )


def test_a_sentencepiece_model_is_part_of_the_export(shared_data, tmp_path):
    writer = tiny_writer(open_tokenizer(str(shared_data / "vocab" / "cog-pretrain.model")))
    directory = str(tmp_path / "1")
    export_model(writer, ["generate", "score"], directory, settings=SETTINGS, measures=False)
    loaded = tf.saved_model.load(directory)
    texts = ["今天", "我[MASK]北[MASK]。", ""]
    answer = loaded.signatures["generate"](text=tf.constant(texts))
    expected = [filled.text for filled in writer.fill(texts, max_new_tokens=6)]
    assert [text.decode("utf-8") for text in answer["text"].numpy()] == expected
    texts = ["今天天气", "a b", ""]
    answer = loaded.signatures["score"](text=tf.constant(texts))
    close(answer["log_likelihood"], writer.score([""] * 3, texts))


def test_refuses_what_is_no_version_or_there_already(tmp_path):
    with pytest.raises(ValueError, match=r"`output` must end in the number.*models/mine'"):
        check_output("models/mine")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "file").touch()
    with pytest.raises(ValueError, match=r"is there already"):
        check_output(str(tmp_path / "1"))


def test_refuses_a_task_that_the_model_does_not_do(models, tmp_path):
    with pytest.raises(ValueError, match=r"MPNetTextClassifier: classify\. Rec.*'embed'"):
        export_model(models["mpnet_classifier"], ["embed"], str(tmp_path / "1"))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_nothing(models, tmp_path, monkeypatch):
    def write_half(module, directory, *args, **kwargs):
        pathlib.Path(directory, "saved_model.pb").write_bytes(b"half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", write_half)
    with pytest.raises(OSError, match=r"No space left on device"):
        export_model(models["mpnet_embedder"], ["embed"], str(tmp_path / "1"))
    assert list(tmp_path.iterdir()) == []
