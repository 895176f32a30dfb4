"""Texts, or pairs of texts, to classes or scores."""

import keras
import tensorflow as tf

from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Signature, text_input, token_inputs

EXAMPLE_TEXTS = ["A charming journey.", "The plot goes nowhere."]
EXAMPLE_SECOND_TEXTS = ["It was a pleasure.", "A film without a story."]


def classification_signatures(classifier, preprocessor):
    """Makes the signatures `classify`, `classify_pair` and `classify_token_ids`.

    Args:
        classifier: `TransformerTextClassifier`.
        preprocessor: `TransformerTextPreprocessor` that pads to the longest text.

    Returns:
        List of `Signature`.
    """
    network = compact_network(classifier)

    def classify(text):
        return _answer(classifier, network(preprocessor(valid_text(text)), training=False))

    def classify_pair(text, text_pair):
        pairs = (valid_text(text), valid_text(text_pair))
        return _answer(classifier, network(preprocessor(pairs), training=False))

    def classify_token_ids(**inputs):
        return _answer(classifier, network(inputs, training=False))

    outputs = output_descriptions(classifier.num_classes)
    return [
        Signature(
            "classify",
            "Tells the class of texts; what is too long is cut at its end.",
            classify,
            {"text": text_input("texts", EXAMPLE_TEXTS)},
            outputs,
        ),
        Signature(
            "classify_pair",
            "Tells the class of pairs of texts; of what is too long the longer text is cut.",
            classify_pair,
            {
                "text": text_input("first texts", EXAMPLE_TEXTS),
                "text_pair": text_input("second texts", EXAMPLE_SECOND_TEXTS),
            },
            outputs,
        ),
        Signature(
            "classify_token_ids",
            "Tells the class of rows of token ids.",
            classify_token_ids,
            token_inputs(preprocessor(EXAMPLE_TEXTS)),
            outputs,
        ),
    ]


def output_descriptions(num_classes):
    """Describes what a classifier answers.

    Args:
        num_classes: int.
    """
    if num_classes == 1:
        return {"score": "float32 (batch_size,): the score of each text"}
    shape = f"(batch_size, {num_classes})"
    return {
        "label": "string (batch_size,): the likeliest class",
        "labels": f"string {shape}: all classes in the order of their ids",
        "scores": f"float32 {shape}: the probability of each class",
    }


def _answer(classifier, outputs):
    """Turns a classifier's outputs into what `output_descriptions` tells."""
    if classifier.num_classes == 1:
        return {"score": outputs[:, 0]}
    if classifier.activation is keras.activations.linear:
        outputs = tf.nn.softmax(outputs)
    return answer_of_classes(
        outputs, classifier.class_names or list(map(str, range(classifier.num_classes)))
    )


def answer_of_classes(scores, class_names):
    """Gives the classes their names.

    Args:
        scores: float32 tensor `(batch_size, num_classes)`.
        class_names: sequence of str.

    Returns:
        Dict of tensors, as `output_descriptions` tells.
    """
    names = tf.constant(list(class_names))
    return {
        "label": tf.gather(names, tf.argmax(scores, axis=1)),
        "labels": tf.tile(names[tf.newaxis], [tf.shape(scores)[0], 1]),
        "scores": scores,
    }
