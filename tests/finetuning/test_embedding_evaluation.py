"""Similarity and retrieval against sentence-transformers and by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.finetuning.embedding_evaluation import (
    embed_texts,
    rank_documents,
    retrieval_metrics,
    similarity_correlations,
)
from tests.finetuning.small_embedders import small_embedder
from tests.finetuning.test_embedding_data import packer, random_texts


def random_vectors(count, seed, dimensions=8):
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


class GivenVectors:
    """Takes the place of a model of sentence-transformers: a text is the number of its vector."""

    def __new__(cls, vectors):
        torch = pytest.importorskip("torch")
        peers = pytest.importorskip("sentence_transformers")

        class Model(peers.SentenceTransformer):
            def encode(self, texts, convert_to_tensor=False, **settings):
                found = vectors[[int(text) for text in texts]]
                return torch.tensor(found) if convert_to_tensor else found

            encode_query = encode_document = encode

        identity = torch.nn.Identity()
        return Model(modules=[identity], device="cpu")


@pytest.mark.parametrize("chunk_size", [7, 10_000])
def test_retrieval_is_that_of_sentence_transformers(chunk_size):
    queries, documents = random_vectors(23, 0), random_vectors(60, 1)
    generator = np.random.default_rng(2)
    relevant = [generator.choice(60, count, replace=False) for count in [1, 2, 12] * 7 + [5, 1]]
    model = GivenVectors(np.concatenate([queries, documents]))
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    cutoffs = [1, 3, 10]
    evaluator = InformationRetrievalEvaluator(
        {str(number): str(number) for number in range(23)},
        {f"d{number}": str(23 + number) for number in range(60)},
        {str(number): {f"d{one}" for one in wanted} for number, wanted in enumerate(relevant)},
        mrr_at_k=cutoffs,
        ndcg_at_k=cutoffs,
        accuracy_at_k=cutoffs,
        precision_recall_at_k=cutoffs,
        map_at_k=cutoffs,
        write_csv=False,
    )
    expected = evaluator(model)
    found = retrieval_metrics(queries, documents, relevant, cutoffs=cutoffs, chunk_size=chunk_size)
    assert len(found) == 9
    for name, value in found.items():
        assert value == pytest.approx(expected[f"cosine_{name}"], abs=1e-6)
        assert 0 < value < 1


def test_similarity_is_that_of_sentence_transformers():
    first, second = random_vectors(40, 0), random_vectors(40, 1) + random_vectors(40, 0)
    scores = np.random.default_rng(3).uniform(0, 5, 40).round()
    model = GivenVectors(np.concatenate([first, second]))
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    numbers = [str(number) for number in range(80)]
    evaluator = EmbeddingSimilarityEvaluator(
        numbers[:40], numbers[40:], scores, main_similarity="cosine", write_csv=False
    )
    expected = evaluator(model)
    found = similarity_correlations(first, second, scores)
    assert list(found) == ["spearman", "pearson"]
    for name, value in found.items():
        assert value == pytest.approx(expected[f"{name}_cosine"], abs=1e-5)


def test_retrieval_by_hand():
    documents = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)
    # The rankings are 0 1 2 3 and 2 1 0 3: at an angle of 80 degrees.
    queries = np.array([[5, 0.1], [0.17, 0.98]], np.float32)
    found = retrieval_metrics(queries, documents, [[1], [0, 1, 3]], cutoffs=[1, 2])
    assert found["recall@1"] == 0
    assert found["recall@2"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["mrr@2"] == pytest.approx(1 / 2)
    at_second = 1 / math.log2(3)
    assert found["ndcg@2"] == pytest.approx((at_second + at_second / (1 + at_second)) / 2)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100])
def test_of_equally_similar_documents_the_earlier_comes_first(chunk_size):
    documents = np.array([[0, 1], [1, 0], [0, 2], [2, 0], [3, 0], [0, 1]], np.float32)
    ranked = rank_documents(
        np.array([[1, 0]], np.float32), documents, depth=4, chunk_size=chunk_size
    )
    np.testing.assert_array_equal(ranked, [[1, 3, 4, 0]])


def test_fewer_documents_than_the_cutoff():
    vectors = np.eye(3, dtype=np.float32)
    found = retrieval_metrics(vectors, vectors, [[0], [1], [2]], cutoffs=[10])
    assert found == {"recall@10": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0}


def test_texts_are_embedded_in_their_order(caplog):
    embedder = small_embedder()
    texts = [*random_texts(9), "w1 " * 30, ""]
    found = embed_texts(embedder, texts, packer(), batch_size=4)
    assert [record.getMessage() for record in caplog.records if record.name == "absl"] == [
        "1 of the 11 texts of `texts` are longer than 16 tokens and are cut at the end.",
        "1 of the 11 texts of `texts` are empty or have no tokens.",
    ]
    expected = [embedder(packer()(tf.constant([text])))[0] for text in texts]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bad_arguments_are_refused():
    vectors = random_vectors(2, 0)
    for relevant, message in [
        ([[0]], "one entry for each of 2 queries, one at least. Received: 1"),
        ([[0], []], r"one or more of the 2 documents.*relevant\[1\]=\[\]; leave out"),
        ([[0], [2]], r"one or more of the 2 documents.*relevant\[1\]=\[2\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            retrieval_metrics(vectors, vectors, relevant)
    with pytest.raises(ValueError, match=r"`cutoffs` must be positive. Received: cutoffs=\[0\]"):
        retrieval_metrics(vectors, vectors, [[0], [1]], cutoffs=[0])
    with pytest.raises(ValueError, match=r"of one shape. Received: shapes \(2, 8\) and \(1, 8\)"):
        similarity_correlations(vectors, vectors[:1], [1, 2])
    with pytest.raises(ValueError, match="`texts` must not be empty"):
        embed_texts(None, [], packer())
    with pytest.raises(ValueError, match=r"`texts` must be a list of texts.*'w1'"):
        embed_texts(None, "w1", packer())
