"""Texts, or pairs of texts, to classes by GLM's blanks."""

import tensorflow as tf

from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Signature, text_input
from mpnet_tf.serving.text_classification import (
    EXAMPLE_SECOND_TEXTS,
    EXAMPLE_TEXTS,
    answer_of_classes,
    output_descriptions,
)


def cloze_classification_signatures(classifier):
    """Makes the signature `classify`, or `classify_pair` where the pattern takes pairs.

    Args:
        classifier: `GLMClozeClassifier` with a preprocessor.

    Returns:
        List of `Signature`.
    """
    pattern = classifier.preprocessor.pattern

    def classify(text, text_pair=None):
        texts = valid_text(text)
        if text_pair is not None:
            texts = (texts, valid_text(text_pair))
        scores = classifier(classifier.preprocessor(texts), training=False)
        return answer_of_classes(tf.nn.softmax(scores), classifier.class_names)

    inputs = {"text": text_input("texts", EXAMPLE_TEXTS)}
    if pattern.has_pair:
        inputs = {
            "text": text_input("first texts", EXAMPLE_TEXTS),
            "text_pair": text_input("second texts", EXAMPLE_SECOND_TEXTS),
        }
    return [
        Signature(
            "classify_pair" if pattern.has_pair else "classify",
            f"Tells the class by what fills the blank in {pattern.pattern!r}; what is too long is "
            "cut.",
            classify,
            inputs,
            output_descriptions(len(classifier.class_names)),
        )
    ]
