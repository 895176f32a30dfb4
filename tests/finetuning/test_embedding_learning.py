"""Embedders learn from files what they are measured by on texts held out."""

import keras
import numpy as np

from mpnet_tf.finetuning.contrastive_loss import MultipleNegativesRankingLoss
from mpnet_tf.finetuning.document_pairs import read_documents, title_pairs
from mpnet_tf.finetuning.embedding_data import contrastive_batches, scored_pair_batches
from mpnet_tf.finetuning.embedding_evaluation import (
    embed_texts,
    retrieval_metrics,
    similarity_correlations,
)
from mpnet_tf.finetuning.embedding_trainer import EmbeddingTrainer
from mpnet_tf.finetuning.glue import read_glue
from mpnet_tf.finetuning.heldout_retrieval import hold_out_retrieval
from mpnet_tf.finetuning.scored_pair_losses import CosentLoss
from mpnet_tf.models import MPNetTextEmbedder, MPNetTokenizer, TextPacker, make_backbone
from tests.finetuning.test_embedding_data import VOCABULARY, WORDS
from tests.models.wordpiece_reference import mpnets_vocabulary


def make_embedder(vocabulary_size):
    keras.utils.set_random_seed(1)
    backbone = make_backbone(
        "mpnet",
        vocabulary_size,
        num_layers=1,
        num_heads=2,
        hidden_dim=32,
        intermediate_dim=32,
        max_sequence_length=32,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.1,
    )
    return MPNetTextEmbedder(backbone)


def write_documents(path):
    """Titles of words whose partners, in another order, make the text: no word is in both."""
    generator = np.random.default_rng(0)
    partners = dict(zip(WORDS[:30], WORDS[30:], strict=True))
    documents = []
    for _ in range(300):
        words = generator.choice(WORDS[:30], 4, replace=False)
        text = [partners[word] for word in generator.permutation(words)]
        documents.append(f"{' '.join(words)}\n{' '.join(text[:2])}\n{' '.join(text[2:])}\n")
    path.write_text("\n".join(documents), encoding="utf-8")


def test_texts_are_found_by_titles_that_share_no_word(tmp_path):
    write_documents(tmp_path / "documents.txt")
    pairs = title_pairs(read_documents(tmp_path / "documents.txt"))
    train, heldout = hold_out_retrieval(pairs, num_heldout=40, seed=0)
    pack = TextPacker(MPNetTokenizer(VOCABULARY), sequence_length=8)
    embedder = make_embedder(len(VOCABULARY))

    def recall():
        embeddings = (
            embed_texts(embedder, texts, pack) for texts in (heldout.queries, heldout.documents)
        )
        return retrieval_metrics(*embeddings, heldout.relevant, cutoffs=[1])["recall@1"]

    assert recall() < 0.2
    trainer = EmbeddingTrainer(embedder, MultipleNegativesRankingLoss())
    trainer.compile(keras.optimizers.Adam(0.01))
    batches = contrastive_batches((train.texts, train.pairs), pack, batch_size=32, seed=0)
    trainer.fit(batches, steps_per_epoch=60, verbose=0)
    assert recall() > 0.8


def test_similarity_of_real_sentences_is_learned(shared_data):
    train, dev = (read_glue("stsb", shared_data / "stsb", split) for split in ("train", "dev"))
    pack = TextPacker(MPNetTokenizer(mpnets_vocabulary(shared_data)), sequence_length=24)
    embedder = make_embedder(pack.tokenizer.vocabulary_size())

    def spearman():
        embeddings = (embed_texts(embedder, texts, pack) for texts in (dev.texts, dev.pairs))
        return similarity_correlations(*embeddings, dev.labels)["spearman"]

    before = spearman()
    trainer = EmbeddingTrainer(embedder, CosentLoss())
    trainer.compile(keras.optimizers.Adam(0.003))
    batches = scored_pair_batches(train, pack, batch_size=64, seed=0, largest_score=5.0)
    trainer.fit(batches, steps_per_epoch=60, verbose=0)
    assert spearman() > before + 0.05
