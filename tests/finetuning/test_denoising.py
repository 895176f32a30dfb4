"""The denoising model against the paper's cross-attention and by what it may see."""

import keras
import numpy as np
import tensorflow as tf

from mpnet_tf.finetuning.denoising import DenoisingModel
from mpnet_tf.finetuning.embedding_data import denoising_batches
from mpnet_tf.models import GLMBackbone, TransformerTextEmbedder
from tests.finetuning.small_embedders import random_columns, small_embedder, weights_of
from tests.finetuning.test_embedding_data import PAD_TOKEN_ID, packer, random_texts


def random_inputs(batch_size=3):
    noisy, whole = random_columns(2, batch_size)
    return {**noisy, "decoder_token_ids": whole["token_ids"]}


def make_model(**settings):
    return DenoisingModel(small_embedder(**settings))


def test_a_prediction_sees_no_later_token():
    model = make_model()
    inputs = random_inputs()
    before = model(inputs).numpy()
    changed = inputs["decoder_token_ids"].numpy()
    changed[:, 5] = (changed[:, 5] + 7) % 80
    after = model({**inputs, "decoder_token_ids": tf.constant(changed)}).numpy()
    np.testing.assert_allclose(after[:, :5], before[:, :5], atol=1e-5)
    assert (np.abs(after[:, 5:] - before[:, 5:]).max(axis=(0, 2)) > 1e-3).all()


def test_the_text_that_is_left_counts_through_its_vector_alone():
    model = make_model()
    inputs = random_inputs()
    embedding = model.embedder({name: inputs[name] for name in ("token_ids", "padding_mask")})
    # More padding is the same text.
    padded = {
        name: tf.pad(inputs[name], [[0, 0], [0, 3]]) for name in ("token_ids", "padding_mask")
    }
    np.testing.assert_allclose(model.embedder(padded), embedding, atol=1e-5)
    np.testing.assert_allclose(model({**inputs, **padded}), model(inputs), atol=1e-4)
    # Another text is another prediction, at the first place already.
    others = random_columns(1, 3, seed=9)[0]
    assert np.abs(model({**inputs, **others})[:, 0] - model(inputs)[:, 0]).max() > 1e-3


def test_cross_attention_to_one_vector_is_a_linear_map():
    """What the model's docstring builds on, with Keras' own attention."""
    attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    generator = np.random.default_rng(0)
    queries, vector = generator.normal(size=(3, 5, 8)), generator.normal(size=(3, 1, 8))
    attention(queries, vector)
    for weight in attention.weights:
        weight.assign(generator.normal(size=weight.shape))
    found = attention(queries, vector).numpy()
    values = np.einsum("nod,dhk->nohk", vector, attention._value_dense.kernel.numpy())
    values = values + attention._value_dense.bias.numpy()
    expected = np.einsum("nohk,hkd->nod", values, attention._output_dense.kernel.numpy())
    expected = expected + attention._output_dense.bias.numpy()
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-5)


def test_decoder_has_the_embedders_weights_and_few_of_its_own():
    model = make_model()
    own = {one.path for one in model.weights} - {one.path for one in model.embedder.weights}
    assert {path.split("/")[0] for path in own} == {"embedding_map_0", "lm_head"}


def test_pre_norm_bodies_end_with_their_norm():
    backbone = GLMBackbone(
        80, num_layers=1, num_heads=2, hidden_dim=16, intermediate_dim=16, max_sequence_length=32
    )
    model = DenoisingModel(TransformerTextEmbedder(backbone))
    backbone.final_norm.gamma.assign(np.zeros(16))
    # Nothing but the norm's bias is left of the hidden states: all places predict the same.
    logits = model(random_inputs()).numpy()
    np.testing.assert_allclose(logits, np.broadcast_to(logits[:1, :1], logits.shape), atol=1e-6)


def test_fit_trains_the_embedder_and_the_model_comes_back(tmp_path):
    model = make_model(dropout=0.0, attention_dropout=0.0)
    before = weights_of(model.embedder)
    model.compile(
        keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
    )
    batches = denoising_batches(
        random_texts(8), packer(), batch_size=8, seed=0, pad_token_id=PAD_TOKEN_ID
    )
    losses = model.fit(batches, steps_per_epoch=10, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    for one, other in zip(weights_of(model.embedder), before, strict=True):
        assert np.abs(one - other).max() > 1e-4
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    inputs = random_inputs()
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-5)
