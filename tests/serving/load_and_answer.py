"""A process of its own: answers requests with SavedModels, with TensorFlow and its text ops alone.

python load_and_answer.py REQUESTS.json ANSWERS.json
"""

import json
import sys

import tensorflow as tf
import tensorflow_text  # noqa: F401 -- the ops of tokenizers


def _plain(values):
    return [_plain(value) for value in values] if isinstance(values, list) else _as_text(values)


def _as_text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _constants(signature, inputs):
    specs = signature.structured_input_signature[1]
    return {
        name: tf.reshape(tf.constant(values, specs[name].dtype), _open(specs[name].shape, values))
        for name, values in inputs.items()
    }


def _open(shape, values):
    return tf.shape(tf.constant(values)) if values else [0] * shape.rank


def main():
    """Answers the requests."""
    with open(sys.argv[1], encoding="utf-8") as file:
        requests = json.load(file)
    answers = []
    for directory, asked in requests:
        model = tf.saved_model.load(directory)
        for name, inputs in asked:
            signature = model.signatures[name]
            outputs = signature(**_constants(signature, inputs))
            answers.append({key: _plain(value.numpy().tolist()) for key, value in outputs.items()})
    # tensorflow_text itself imports Keras.
    imported = {"mpnet_tf", "keras_hub"} & set(sys.modules)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"answers": answers, "imported": sorted(imported)}, file)


main()
