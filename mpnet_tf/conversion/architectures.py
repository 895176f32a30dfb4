"""The model families that can be converted."""

from mpnet_tf.conversion.bert import BertArchitecture
from mpnet_tf.conversion.mpnet import MPNetArchitecture

ARCHITECTURES = (MPNetArchitecture(), BertArchitecture())


def architecture_of_type(model_type, *, source):
    """Returns the `Architecture` of a `model_type`.

    Args:
        model_type: str or None. As in a `config.json`.
        source: str. Where it was read, for the message.

    Raises:
        ValueError: if there is none; the message lists those there are.
    """
    for architecture in ARCHITECTURES:
        if architecture.model_type == model_type:
            return architecture
    known = ", ".join(repr(architecture.model_type) for architecture in ARCHITECTURES)
    raise ValueError(
        f"{source}: models of `model_type` {model_type!r} cannot be converted. Those of {known} "
        "can."
    )


def architecture_of_body(body):
    """Returns the `Architecture` of a body by its name.

    Raises:
        ValueError: if Hugging Face's library has no such model.
    """
    for architecture in ARCHITECTURES:
        if architecture.body == body:
            return architecture
    known = ", ".join(repr(architecture.body) for architecture in ARCHITECTURES)
    raise ValueError(
        f"`transformers` has no model of the body {body!r}. Bodies that can be converted: {known}."
    )
