"""Texts to vectors."""

from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Signature, text_input, token_inputs

_TEXTS = ["A man is playing a guitar.", "Nobody was at home."]


def embedding_signatures(embedder, preprocessor):
    """Makes the signatures `embed` and `embed_token_ids`.

    Args:
        embedder: `TransformerTextEmbedder`.
        preprocessor: `TransformerTextPreprocessor` that pads to the longest text.

    Returns:
        List of `Signature`.
    """
    network = compact_network(embedder)
    outputs = {
        "embedding": f"float32 (batch_size, {embedder.embedding_dim}): a vector for each text"
    }

    def embed(text):
        return {"embedding": network(preprocessor(valid_text(text)), training=False)}

    def embed_token_ids(**inputs):
        return {"embedding": network(inputs, training=False)}

    return [
        Signature(
            "embed",
            "Turns texts into vectors; what is too long is cut at its end.",
            embed,
            {"text": text_input("texts", _TEXTS)},
            outputs,
        ),
        Signature(
            "embed_token_ids",
            "Turns rows of token ids into vectors.",
            embed_token_ids,
            token_inputs(preprocessor(_TEXTS)),
            outputs,
        ),
    ]
