"""What requests may bring: bad bytes, very long texts, options, and rows beside each other."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from mpnet_tf.serving.question_answering import question_answering_signatures
from mpnet_tf.serving.row_groups import in_row_groups
from mpnet_tf.serving.text_classification import classification_signatures
from mpnet_tf.serving.text_embedding import embedding_signatures
from mpnet_tf.serving.text_generation import generation_signatures
from mpnet_tf.serving.token_choice import TokenChoice
from mpnet_tf.serving.token_classification import token_classification_signatures
from mpnet_tf.serving.warmup import write_warmup_requests
from tests.serving.tiny_models import TEXTS, tiny_model, tiny_writer

MEGABYTE = "the cat sat on the mat. " * 43_700


def functions_of(signatures):
    """Returns a TensorFlow function for each signature, as an export has it."""
    return {
        signature.name: tf.function(signature.call, autograph=False) for signature in signatures
    }


@pytest.fixture(scope="module")
def embed():
    model = tiny_model("text_embedder", "mpnet")
    return functions_of(embedding_signatures(model, model.preprocessor.padded_to_longest()))[
        "embed"
    ]


@pytest.fixture(scope="module")
def writer():
    return functions_of(generation_signatures(tiny_writer(), max_new_tokens=6))


def options(num_rows, **given):
    """Returns all options of `generate_with_options`, each for every row."""
    defaults = {
        "max_new_tokens": (6, tf.int32),
        "temperature": (0.0, tf.float32),
        "top_k": (0, tf.int32),
        "top_p": (1.0, tf.float32),
        "repetition_penalty": (1.0, tf.float32),
        "seed": (-1, tf.int32),
    }
    return {
        name: tf.constant(np.broadcast_to(given.get(name, default), [num_rows]), dtype)
        for name, (default, dtype) in defaults.items()
    }


def test_a_row_that_is_no_utf8_is_answered_and_leaves_the_others_alone(embed):
    good = ["the cat", "été 猫"]
    alone = embed(text=tf.constant(good))["embedding"].numpy()
    mixed = embed(text=tf.constant([good[0], b"\xff\xfe cat \xc3", good[1], b"\xed\xa0\x80"]))
    mixed = mixed["embedding"].numpy()
    assert np.isfinite(mixed).all()
    np.testing.assert_allclose(mixed[[0, 2]], alone, atol=1e-6)
    replaced = embed(text=tf.constant(["\ufffd\ufffd cat \ufffd"]))["embedding"].numpy()
    np.testing.assert_allclose(mixed[1], replaced[0], atol=1e-6)


def test_a_megabyte_is_answered_by_its_beginning(embed):
    answer = embed(text=tf.constant([MEGABYTE, "dog"]))["embedding"].numpy()
    beginning = embed(text=tf.constant([MEGABYTE[:1000], "dog"]))["embedding"].numpy()
    np.testing.assert_allclose(answer, beginning, atol=1e-6)


@pytest.fixture(scope="module")
def tag():
    model = tiny_model("token_classifier", "mpnet", num_classes=2)
    signatures = token_classification_signatures(
        model, model.preprocessor.padded_to_longest(), max_windows=4
    )
    return functions_of(signatures)["token_classify"]


def test_words_are_cut_as_the_offsets_say(tag):
    answer = {name: value.numpy() for name, value in tag(text=tf.constant(TEXTS)).items()}
    for row, text in enumerate(TEXTS):
        for place in range(answer["num_words"][row]):
            start, end = answer["starts"][row, place], answer["ends"][row, place]
            assert answer["words"][row, place].decode() == text[start:end]


def test_a_long_word_beside_many_takes_no_memory_for_both(tag):
    """A table of all words by all characters of the longest would have 16 GB."""
    word = "x" * 100_000
    answer = tag(text=tf.constant(["cat " * 20_000 + word, "dog"]))
    assert answer["num_words"].numpy().tolist() == [20_001, 1]
    words = answer["words"].numpy()
    assert words[0, [0, 19_999, 20_000]].tolist() == [b"cat", b"cat", word.encode()]


def test_a_megabyte_of_words_takes_no_more_windows_than_allowed(tag):
    answer = tag(text=tf.constant([MEGABYTE, "dog"]))
    assert answer["num_words"].numpy().tolist() == [7 * 43_700, 1]
    scores = answer["scores"].numpy()[0]
    # 4 windows of 22 tokens of which 6 are shared.
    assert (scores > 0).sum() == 22 + 3 * 16
    assert scores[: 22 + 3 * 16].all()


def test_a_megabyte_of_context_takes_no_more_windows_than_allowed():
    model = tiny_model("question_answering", "mpnet")
    signatures = question_answering_signatures(
        model, model.preprocessor.padded_to_longest(), max_windows=4
    )
    answer = functions_of(signatures)["answer"](
        question=tf.constant(["who?"]), context=tf.constant([MEGABYTE])
    )
    assert 0 < answer["end"].numpy()[0] < 600
    start, end = answer["start"].numpy()[0], answer["end"].numpy()[0]
    assert answer["answer"].numpy()[0].decode() == MEGABYTE[start:end]


@pytest.mark.parametrize("text", [MEGABYTE, "[MASK]" * 100_000, *TEXTS])
def test_generation_stops_at_its_limit(writer, text):
    answer = writer["generate"](text=tf.constant([text]))
    num_tokens = answer["num_tokens"].numpy()
    assert num_tokens.shape[1] <= 8
    assert num_tokens.max() <= 6


def test_a_row_gets_no_more_tokens_than_it_asks_for(writer):
    texts = tf.constant(["the cat"] * 4)
    answer = writer["generate_with_options"](
        text=texts, **options(4, max_new_tokens=[0, 2, 6, 1000])
    )
    num_tokens = answer["num_tokens"].numpy()[:, 0]
    assert (num_tokens <= [0, 2, 6, 6]).all()
    assert answer["text"].numpy()[0] == b"the cat "


def test_rows_that_ask_for_no_tokens_get_none(writer):
    answer = writer["generate_with_options"](
        text=tf.constant(["the cat", "a [MASK] sat"]), **options(2, max_new_tokens=[0, -3])
    )
    assert not answer["num_tokens"].numpy().any()
    assert not any(b"".join(row) for row in answer["generated"].numpy())


def test_a_text_that_is_too_long_is_continued_from_its_end(writer):
    ends = ["cat " * 100 + end for end in ("the big red dog", "on the mat")]
    answers = [
        writer["generate"](text=tf.constant([end, "dog"]))["generated"].numpy()[0, 0]
        for end in ends
    ]
    assert answers[0] != answers[1]


def test_a_seed_gives_the_same_text_whatever_comes_with_it(writer):
    texts = ["the cat", "a [MASK] sat", "dog"]
    sampled = options(3, temperature=1.5, seed=[5, 6, 7])
    together = writer["generate_with_options"](text=tf.constant(texts), **sampled)["text"].numpy()
    for row, text in enumerate(texts):
        alone = writer["generate_with_options"](
            text=tf.constant([text]), **options(1, temperature=1.5, seed=5 + row)
        )
        assert alone["text"].numpy()[0] == together[row]
    others = writer["generate_with_options"](
        text=tf.constant(["the cat"] * 20), **options(20, temperature=1.5, seed=np.arange(20))
    )
    assert len(set(others["text"].numpy())) > 5


def choice_of(num_rows, **given):
    values = options(num_rows, **given)
    values.pop("max_new_tokens")
    return TokenChoice(**values)


def samples(logits, count=4000, **given):
    """Counts how often each token is chosen, each time with another seed."""
    logits = tf.constant(np.tile(np.float32(logits), [count, 1]))
    choice = choice_of(count, seed=np.arange(count), **given)
    chosen = choice.choose(logits, tf.zeros(logits.shape, tf.bool), tf.constant(3)).numpy()
    return np.bincount(chosen, minlength=logits.shape[1]) / count


def test_samples_have_the_probabilities_of_the_softmax():
    probabilities = np.array([0.1, 0.4, 0.2, 0.3])
    found = samples(np.log(probabilities), temperature=1.0)
    np.testing.assert_allclose(found, probabilities, atol=0.04)
    powers = probabilities**2
    found = samples(np.log(probabilities), temperature=0.5)
    np.testing.assert_allclose(found, powers / powers.sum(), atol=0.04)


def test_top_k_and_top_p_leave_out_what_is_less_likely():
    logits = np.log([0.1, 0.4, 0.2, 0.3])
    np.testing.assert_allclose(
        samples(logits, temperature=1.0, top_k=2), [0, 4 / 7, 0, 3 / 7], atol=0.04
    )
    # 0.4 and 0.3 reach 0.6 together.
    np.testing.assert_allclose(
        samples(logits, temperature=1.0, top_p=0.6), [0, 4 / 7, 0, 3 / 7], atol=0.04
    )
    assert samples(logits, temperature=1.0, top_p=0.0)[1] == 1
    assert samples(logits, temperature=0.0)[1] == 1


def test_a_repetition_penalty_lowers_positive_and_negative_logits():
    is_there = tf.constant([[True, False], [True, False]])
    logits = tf.constant([[3.0, 2.0], [-2.0, -3.0]])
    plain = choice_of(2).choose(logits, is_there, tf.constant(0))
    assert plain.numpy().tolist() == [0, 0]
    lowered = choice_of(2, repetition_penalty=2.0).choose(logits, is_there, tf.constant(0))
    assert lowered.numpy().tolist() == [1, 1]


@pytest.mark.parametrize("num_rows", [0, 1, 3, 4, 9])
def test_groups_of_rows_give_what_all_rows_give(num_rows):
    rows = np.arange(num_rows * 2, dtype=np.float32).reshape(num_rows, 2)
    found = in_row_groups(
        lambda group: {"sums": tf.reduce_sum(group["rows"], axis=1), "twice": 2 * group["rows"]},
        {"rows": tf.constant(rows)},
        3,
    )
    np.testing.assert_array_equal(found["sums"], rows.sum(axis=1))
    np.testing.assert_array_equal(found["twice"], 2 * rows)


def test_warmup_requests_are_what_tensorflow_serving_reads(tmp_path):
    signatures = generation_signatures(tiny_writer(), max_new_tokens=6)
    count = write_warmup_requests(signatures, str(tmp_path), name="writer")
    path = tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    assert len(logs) == count == 6
    functions = functions_of(signatures)
    for log in logs:
        request = log.predict_log.request
        assert request.model_spec.name == "writer"
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
        if "text" in inputs:
            inputs["text"] = tf.cast(inputs["text"], tf.string)
        answer = functions[request.model_spec.signature_name](**inputs)
        assert len(next(iter(answer.values()))) in (1, 8)


NO_TEXTS = tf.constant([], tf.string)


@pytest.mark.parametrize("name", ["generate", "generate_with_options"])
def test_no_texts_are_continued_to_none(writer, name):
    given = options(0) if name == "generate_with_options" else {}
    answer = writer[name](text=NO_TEXTS, **given)
    assert answer["text"].shape == (0,) and answer["generated"].shape[0] == 0


def test_no_texts_have_no_classes_answers_or_tags(tag):
    classifier = tiny_model("text_classifier", "bert", num_classes=2)
    signatures = classification_signatures(classifier, classifier.preprocessor.padded_to_longest())
    answer = functions_of(signatures)["classify_pair"](text=NO_TEXTS, text_pair=NO_TEXTS)
    assert answer["label"].shape == (0,) and answer["scores"].shape == (0, 2)
    answerer = tiny_model("question_answering", "mpnet")
    signatures = question_answering_signatures(
        answerer, answerer.preprocessor.padded_to_longest(), max_windows=4
    )
    answer = functions_of(signatures)["answer"](question=NO_TEXTS, context=NO_TEXTS)
    assert answer["answer"].shape == (0,)
    assert tag(text=NO_TEXTS)["num_words"].shape == (0,)
