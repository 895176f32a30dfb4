"""Fine-tuning of text embedders, and their evaluation."""

import dataclasses
import os

import keras
import numpy as np

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.denoising import DenoisingModel
from mpnet_tf.finetuning.embedding_data import (
    contrastive_batches,
    denoising_batches,
    scored_pair_batches,
)
from mpnet_tf.finetuning.embedding_evaluation import (
    embed_texts,
    rank_documents,
    retrieval_metrics,
    similarity_correlations,
)
from mpnet_tf.finetuning.embedding_settings import SCORED_OBJECTIVES, TEXT_OBJECTIVES
from mpnet_tf.finetuning.embedding_trainer import EmbeddingTrainer
from mpnet_tf.finetuning.finetuning_task import Evaluation, FinetuningTask, Training
from mpnet_tf.finetuning.heldout_retrieval import retrieval_examples
from mpnet_tf.finetuning.matryoshka import MatryoshkaLoss
from mpnet_tf.finetuning.prediction_file import write_predictions
from mpnet_tf.finetuning.scored_pair_losses import CosentLoss, CosineRegressionLoss
from mpnet_tf.finetuning.tuned_model import make_tuned_model
from mpnet_tf.visualization.task_pictures import draw_scores

_CUTOFFS = (1, 10)


class EmbeddingFinetuning(FinetuningTask):
    """The fine-tuning of a text embedder.

    Args:
        train: the examples of `embedding.objective`: a sequence of sequences of str of equal
            length for "contrastive" (anchors, positives, any number of hard negatives),
            `LabelledTexts` of pairs with scores for "cosent" and "cosine", a sequence of str for
            "simcse" and "denoising"; None to evaluate alone.
        dev: `LabelledTexts` of pairs: with scores, whose order the cosines are to have; without,
            the second text of each is what is to be found for the first among all second texts.
        embedding: `EmbeddingSettings`.

    Raises:
        ValueError: if `dev` is no pairs.
    """

    name = "text_embedding"

    def __init__(self, train, dev, embedding):
        if dev.pairs is None:
            raise ValueError(
                "`dev` must be pairs of texts, to evaluate an embedder on. Received: single texts "
                f"of {dev.source}"
            )
        self.embedding = embedding
        # Pairs without scores: the documents are to be found.
        self._retrieval = retrieval_examples(dev) if dev.labels is None else None
        self.metrics = (
            ("spearman", "pearson") if self._retrieval is None else ("mrr@10", "recall@1")
        )
        self.headline_metric = self.metrics[0]
        self.description = f"A text embedder ({embedding.pooling} pooling, {embedding.objective})."
        if train is None or embedding.objective in (*SCORED_OBJECTIVES, *TEXT_OBJECTIVES):
            self.num_train = len(train or ())
        else:
            self.num_train = len(train[0])
        self.num_dev = len(dev)
        self.choices = {**dataclasses.asdict(embedding), "dimensions": list(embedding.dimensions)}
        self._train, self._dev = train, dev

    def make_model(self, pretrained, settings, *, seed, **kwargs):
        return make_tuned_model(
            pretrained,
            "text_embedder",
            settings,
            seed=seed,
            pooling=self.embedding.pooling,
            **kwargs,
        )

    def make_training(self, model, settings, *, seed):
        order = {"batch_size": settings.batch_size, "seed": seed}
        if self.embedding.objective == "denoising":
            return self._denoising(model, order)
        trainer = EmbeddingTrainer(
            model, self._loss(), chunk_size=self.embedding.chunk_size, seed=seed
        )
        pack = model.preprocessor
        if self.embedding.objective in SCORED_OBJECTIVES:
            largest = max(map(abs, self._train.labels)) or 1.0
            batches = scored_pair_batches(self._train, pack, largest_score=largest, **order)
        else:
            is_simcse = self.embedding.objective == "simcse"
            columns = [self._train] * 2 if is_simcse else self._train
            batches = contrastive_batches(columns, pack, **order)
        return Training(trainer, batches, self.num_train // settings.batch_size, {})

    def _loss(self):
        kind = self.embedding.objective
        if kind == "cosine":
            loss = CosineRegressionLoss()
        elif kind == "cosent":
            loss = CosentLoss(scale=self.embedding.scale)
        else:
            loss = MultipleNegativesRankingLoss(scale=self.embedding.scale)
        dimensions = self.embedding.dimensions
        return MatryoshkaLoss(loss, dimensions) if dimensions else loss

    def _denoising(self, model, order):
        batches = denoising_batches(
            self._train,
            model.preprocessor,
            pad_token_id=model.preprocessor.tokenizer.pad_token_id,
            **order,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )
        return Training(
            DenoisingModel(model),
            batches,
            self.num_train // order["batch_size"],
            {"loss": loss, "jit_compile": False},
        )

    def evaluate(self, model, *, batch_size):
        def embed(texts):
            return embed_texts(model, texts, model.preprocessor, batch_size=batch_size)

        if self._retrieval is not None:
            wanted = self._retrieval
            queries, documents = embed(wanted.queries), embed(wanted.documents)
            found = rank_documents(queries, documents, depth=1)[:, 0]
            return Evaluation(
                self._metrics_by_dimensions(queries, documents),
                [wanted.documents[number] for number in found],
            )
        first, second = embed(self._dev.texts), embed(self._dev.pairs)
        metrics = self._metrics_by_dimensions(first, second)
        norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        cosines = (first * second).sum(axis=1) / np.maximum(norms, 1e-12)
        return Evaluation(metrics, cosines.astype(float).tolist())

    def _metrics_by_dimensions(self, first, second):
        """Computes the figures of whole embeddings, and of the first dimensions by themselves."""
        metrics = self._metrics_of(first, second)
        embedding_dim = first.shape[1]
        for size in self.embedding.dimensions:
            if size > embedding_dim:
                raise ValueError(
                    f"`dimensions` must not be above the {embedding_dim} of the embeddings. "
                    f"Received: dimensions={self.embedding.dimensions}"
                )
            if size < embedding_dim:
                of_size = self._metrics_of(first[:, :size], second[:, :size])
                metrics |= {f"{name}_of_{size}": value for name, value in of_size.items()}
        return metrics

    def _metrics_of(self, first, second):
        if self._retrieval is None:
            return similarity_correlations(first, second, self._dev.labels)
        return retrieval_metrics(first, second, self._retrieval.relevant, cutoffs=_CUTOFFS)

    def write_predictions(self, directory, evaluation, *, name):
        """Writes the cosine of each pair, or the document that was found first for each query."""
        examples = self._dev
        if self._retrieval is not None:
            queries, documents = self._retrieval.queries, self._retrieval.documents
            labels = tuple(documents[numbers[0]] for numbers in self._retrieval.relevant)
            examples = dataclasses.replace(
                examples, texts=queries, pairs=None, ids=queries, labels=labels
            )
        write_predictions(os.path.join(directory, f"{name}.tsv"), examples, evaluation.answers)

    def make_pictures(self, evaluation):
        if self._retrieval is not None:
            return []
        return [draw_scores(self._dev.labels, evaluation.answers)]
