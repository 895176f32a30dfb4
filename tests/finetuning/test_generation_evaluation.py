"""What a model writes of texts, and how likely it holds the targets."""

import dataclasses

import keras
import keras_hub
import numpy as np
import pytest

from mpnet_tf.finetuning.encoded_sequences import encode_sequences
from mpnet_tf.finetuning.generation_evaluation import corpus_perplexity, evaluate_generation
from mpnet_tf.finetuning.generation_metrics import compute_generation_metrics
from mpnet_tf.finetuning.sequence_batches import sequence_training_batches
from mpnet_tf.finetuning.sequence_layout import SequenceLayout
from mpnet_tf.models import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from tests.finetuning.sequence_examples import examples, last_words
from tests.models.small_models import small_backbone
from tests.models.test_blank_scoring import reference_log_probabilities
from tests.models.writing_model import VOCABULARY_SIZE, tokenizer, writing_model

pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")


def test_texts_are_those_of_generate_and_compared_with_the_targets():
    model, texts = writing_model(), examples(12, longest=8)
    layout = SequenceLayout("w20 {source} [MASK] w21")
    found = evaluate_generation(model, texts, layout, max_new_tokens=7, batch_size=4)
    prompts = [f"w20 {text} [MASK] w21" for text in texts.texts]
    # In batches of one shape, for which alone generation is compiled.
    filled = [
        text for row in (0, 4, 8) for text in model.fill(prompts[row : row + 4], max_new_tokens=7)
    ]
    assert found.texts == tuple(text.parts[0] for text in filled)
    assert found.is_ended == tuple(len(text.token_ids[0]) < 7 for text in filled)
    assert 0 < sum(found.is_ended) < 12
    assert found.metrics == {
        "ended": pytest.approx(100 * sum(found.is_ended) / 12),
        **compute_generation_metrics(texts.pairs, found.texts),
        "perplexity": pytest.approx(corpus_perplexity(model, texts, layout), rel=1e-5),
    }
    without = dataclasses.replace(texts, pairs=None)
    found = evaluate_generation(model, without, layout, max_new_tokens=7, batch_size=4)
    assert found.texts == tuple(text.parts[0] for text in filled)
    assert found.metrics.keys() == {"ended"}


def test_perplexity_is_of_all_tokens_together():
    model, texts = writing_model(), examples(5, longest=6)
    pairs = zip(texts.texts, texts.pairs, strict=True)
    scores = np.concatenate([reference_log_probabilities(model, *pair) for pair in pairs])
    found = corpus_perplexity(model, texts, batch_size=2)
    np.testing.assert_allclose(found, np.exp(-scores.mean()), rtol=1e-4)
    with pytest.raises(ValueError, match=r"`examples` must have targets"):
        corpus_perplexity(model, dataclasses.replace(texts, pairs=None))


def test_a_model_learns_to_write_what_it_is_trained_to():
    keras.utils.set_random_seed(0)
    backbone = small_backbone(
        "glm",
        vocabulary_size=VOCABULARY_SIZE,
        max_sequence_length=16,
        num_layers=2,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.2,
    )
    model = GLMCausalLM(backbone, GLMCausalLMPreprocessor(tokenizer()))
    sampler = keras_hub.samplers.BeamSampler(num_beams=2)
    model.compile(keras.optimizers.Adam(0.005), sampler=sampler, jit_compile=False)
    train = encode_sequences(last_words(200, seed=1), model, SequenceLayout())
    batches, num_steps = sequence_training_batches(
        train, model.preprocessor.roles, batch_size=20, seed=3, num_epochs=12
    )
    model.fit(batches, epochs=12, steps_per_epoch=num_steps, shuffle=False, verbose=0)
    texts = last_words(50, seed=2)
    metrics = evaluate_generation(model, texts, max_new_tokens=5, batch_size=25).metrics
    assert metrics["exact_match"] == metrics["ended"] == 100
    assert metrics["perplexity"] < 1.1


def test_out_of_range_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`max_new_tokens` must be a positive integer"):
        evaluate_generation(writing_model(), examples(2), max_new_tokens=0)
    with pytest.raises(ValueError, match=r"`max_new_tokens` must be at most"):
        evaluate_generation(writing_model(), examples(2), max_new_tokens=1000)
    with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer"):
        evaluate_generation(writing_model(), examples(2), max_new_tokens=5, batch_size=0)
