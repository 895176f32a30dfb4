"""Signatures as a SavedModel."""

import inspect

import tensorflow as tf

DEFAULT_SIGNATURE = "serving_default"


def write_saved_model(signatures, storage, directory, *, resources=()):
    """Writes a SavedModel of signatures that share their weights.

    The first is also there as `serving_default`. Whoever loads it must have imported
    `tensorflow_text`, whose tokenizer ops are in it.

    Args:
        signatures: list of `Signature`.
        storage: `WeightStorage` of the model that the signatures compute.
        directory: str. Where to write.
        resources: list. What the graphs need besides, such as a tokenizer's model.

    Raises:
        OSError: if the model cannot be written.
    """
    module = tf.Module()
    module.stored = [*storage.tracked, *resources]
    functions = {signature.name: _function_of(signature, storage) for signature in signatures}
    functions[DEFAULT_SIGNATURE] = functions[signatures[0].name]
    try:
        tf.saved_model.save(module, directory, signatures=functions)
    except tf.errors.OpError as error:
        raise OSError(f"Cannot write {directory}: {error.message}") from error


def _function_of(signature, storage):
    """Makes a TensorFlow function whose optional inputs have their defaults."""
    parameters = inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty
                if given.default is None
                else tf.constant([given.default], given.dtype),
            )
            for name, given in signature.inputs.items()
        ]
    )

    def call(*args, **kwargs):
        with storage.in_use():
            return signature.call(**parameters.bind(*args, **kwargs).arguments)

    # TensorFlow reads the names and the defaults from it.
    call.__signature__ = parameters
    specs = [
        tf.TensorSpec(given.shape, given.dtype, name=name)
        for name, given in signature.inputs.items()
    ]
    return tf.function(call, input_signature=specs, autograph=False)
