"""sentence-transformers' losses of embeddings that are given, and their gradients."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from sentence_transformers.sentence_transformer import losses  # noqa: E402


class GivenEmbeddings(torch.nn.Sequential):
    """Takes the place of a model: its features are the embeddings."""

    def __init__(self, embedding_dim):
        # The cached losses look at what a model's first module is.
        super().__init__(torch.nn.Identity())
        self.embedding_dim = embedding_dim

    def forward(self, features):
        return {"sentence_embedding": features["embeddings"]}

    def get_embedding_dimension(self):
        return self.embedding_dim


def peer_loss(make_loss, embeddings, labels=None):
    """Returns a loss of sentence-transformers and its gradients.

    Args:
        make_loss: function from the module `losses` and a model to a loss.
        embeddings: list of float arrays `(batch_size, embedding_dim)`.
        labels: float array `(batch_size,)` or None.

    Returns:
        float, and a list of float arrays like `embeddings`.
    """
    tensors = [torch.tensor(vectors, requires_grad=True) for vectors in embeddings]
    loss = make_loss(losses, GivenEmbeddings(embeddings[0].shape[1]))
    value = loss(
        [{"embeddings": tensor} for tensor in tensors],
        None if labels is None else torch.tensor(labels),
    )
    value.backward()
    return value.item(), [tensor.grad.numpy() for tensor in tensors]
