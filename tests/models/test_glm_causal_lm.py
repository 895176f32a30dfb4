"""Writing text with a GLM body, against decoding that computes everything anew for each token."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import GLMMaskedLM, GLMTokenizer
from mpnet_tf.models.blank_filling import continuation_batch
from mpnet_tf.models.converted_model import model_from, pretrained_from
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.models.repetition_penalty import RepetitionPenaltySampler
from tests.models.objective_views import blank_infilling
from tests.models.recomputing_lm import RecomputingLM
from tests.models.reference import reference_logits
from tests.models.small_models import small_backbone
from tests.models.writing_model import (
    END,
    LONGEST,
    SPECIAL,
    START,
    TOO_LONG,
    VOCABULARY_SIZE,
    is_allowed,
    tokenizer,
    writing_model,
)

# Blanks within texts and behind them, and texts without any; all of one width as slots.
TEXTS = ["w1 w2 [MASK] w3 [sMASK] w4", "", "w5 w6 w7 w8 w9 w10", "[MASK] w1 w2 [gMASK]"]
# Few shapes, since each is compiled.
NEW_TOKENS = 7


@pytest.fixture
def model():
    return writing_model()


def model_with(sampler, cls=GLMCausalLM, jit_compile=False, **settings):
    """Returns a model with the weights of `writing_model` and another sampler."""
    model = writing_model()
    other = cls(model.backbone, model.preprocessor, lm_head=model.lm_head)
    other.compile(sampler=sampler, jit_compile=jit_compile, **settings)
    return other


def reference_fill(model, text, max_new_tokens):
    """Fills a text's blanks greedily by the forward pass in NumPy, one token and text at a time."""
    spans, filled = [], []
    for position in text.blank_positions:
        inputs = [START]
        while len(inputs) <= max_new_tokens:
            view = blank_infilling(text.token_ids, [*spans, (position, inputs)])
            logits = np.where(is_allowed(), reference_logits(model, view)[-1], -np.inf)
            if logits.argmax() == END:
                break
            inputs = [*inputs, int(logits.argmax())]
        spans.append((position, inputs))
        filled.append(tuple(inputs[1:]))
    return tuple(filled)


def test_greedy_filling_equals_the_papers_definition(model):
    texts = model.preprocessor(TEXTS)
    expected = [reference_fill(model, text, NEW_TOKENS) for text in texts]
    found = model.fill(TEXTS, max_new_tokens=NEW_TOKENS)
    assert [text.token_ids for text in found] == expected
    # Else little was tested: blanks that end by themselves at several lengths, and one that is cut.
    lengths = {len(span) for text in expected for span in text}
    assert len(lengths) >= 3 and NEW_TOKENS in lengths


def test_a_text_does_not_depend_on_those_beside_it(model):
    together = model.fill(TEXTS, max_new_tokens=NEW_TOKENS)
    for text, expected in zip(TEXTS, together, strict=True):
        assert model.fill(text, max_new_tokens=NEW_TOKENS) == expected


SAMPLERS = {
    "random": lambda: keras_hub.samplers.RandomSampler(seed=11, temperature=0.7),
    "top_k": lambda: keras_hub.samplers.TopKSampler(k=4, seed=11),
    "top_p": lambda: keras_hub.samplers.TopPSampler(p=0.8, seed=11),
    "beam": lambda: keras_hub.samplers.BeamSampler(num_beams=3),
    "penalty": lambda: RepetitionPenaltySampler("greedy", 1.5),
    "penalty_beam": lambda: RepetitionPenaltySampler(keras_hub.samplers.BeamSampler(2), 1.5),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_cache_changes_no_token(name):
    # Beam search ends blanks at once, so that they are made to end with a word.
    stop_token_id = VOCABULARY_SIZE - 1 if "beam" in name else END
    settings = {"max_new_tokens": NEW_TOKENS, "stop_token_ids": [stop_token_id]}
    found = model_with(SAMPLERS[name]()).fill(TEXTS, **settings)
    recomputing = model_with(SAMPLERS[name](), RecomputingLM, run_eagerly=True)
    assert found == recomputing.fill(TEXTS, **settings)
    assert len({span for text in found for span in text.token_ids}) > 2


@pytest.mark.parametrize("settings", [{"run_eagerly": True}, {"jit_compile": True}])
def test_however_it_runs_it_writes_the_same(settings, model):
    expected = model.fill(TEXTS, max_new_tokens=NEW_TOKENS)
    assert model_with("greedy", **settings).fill(TEXTS, max_new_tokens=NEW_TOKENS) == expected


def test_beam_search_finds_what_is_likelier(model):
    greedy = model.generate(TEXTS[1:3], max_new_tokens=NEW_TOKENS, strip_prompt=True)
    beam_model = model_with(keras_hub.samplers.BeamSampler(num_beams=12))
    beam = beam_model.generate(TEXTS[1:3], max_new_tokens=NEW_TOKENS, strip_prompt=True)
    assert beam != greedy
    assert model.score(TEXTS[1:3], beam).sum() > model.score(TEXTS[1:3], greedy).sum()


def test_generate_gives_text(model):
    (part,) = model.fill("W1, w2", max_new_tokens=NEW_TOKENS).parts
    assert model.generate("W1, w2", max_new_tokens=NEW_TOKENS) == f"W1, w2 {part}"
    assert model.generate(["W1, w2"], max_new_tokens=NEW_TOKENS, strip_prompt=True) == [part]
    assert model.generate(tf.constant("W1, w2"), max_new_tokens=NEW_TOKENS) == f"W1, w2 {part}"
    filled = model.fill(TEXTS, max_new_tokens=NEW_TOKENS)
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(len(TEXTS))
    assert model.generate(dataset, max_new_tokens=NEW_TOKENS) == [text.text for text in filled]
    first, second = filled[0].parts
    assert filled[0].text == f"w1 w2 {first} w3 {second} w4"
    assert (
        model.generate(TEXTS[0], max_new_tokens=NEW_TOKENS, strip_prompt=True)
        == f"{first} {second}"
    )
    assert model.generate([]) == model.fill_blanked([]) == []
    assert model.fill_blanked(model.preprocessor(TEXTS), max_new_tokens=NEW_TOKENS) == filled


def test_blanks_end_where_they_are_told_to(model):
    (full,) = model.fill("w1", max_new_tokens=NEW_TOKENS, stop_token_ids=None).token_ids
    assert len(full) == NEW_TOKENS
    stop = full[4]
    (stopped,) = model.fill("w1", max_new_tokens=NEW_TOKENS, stop_token_ids=[stop, END]).token_ids
    assert stopped == full[: full.index(stop)]
    # [CLS], the word and [SEP] count.
    (short,) = model.fill("w1", max_length=8, stop_token_ids=None).token_ids
    assert short == full[:5]
    assert model.fill("w1", max_length=2).token_ids == ((),)
    # As many tokens as the body has positions for.
    assert len(model.fill("w1", stop_token_ids=None).token_ids[0]) == LONGEST - 1


def test_only_text_is_generated():
    model = model_with(keras_hub.samplers.RandomSampler(temperature=1000.0, seed=3))
    filled = model.fill(TEXTS * 2, max_new_tokens=LONGEST - 1, stop_token_ids=None)
    generated = np.concatenate([span for text in filled for span in text.token_ids])
    assert set(generated) == set(range(len(SPECIAL), VOCABULARY_SIZE))


def test_a_trained_model_writes_what_it_learnt_and_stops():
    keras.utils.set_random_seed(0)
    backbone = small_backbone(
        "glm",
        vocabulary_size=VOCABULARY_SIZE,
        max_sequence_length=LONGEST,
        num_layers=2,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_stddev=0.2,
    )
    model = GLMCausalLM(backbone, GLMCausalLMPreprocessor(tokenizer()))
    prompts = ["w1 w2", "w3 [MASK] w4", "w5 w6 w7"]
    continuations = ["w8 w9s w10 w11", "w12", "w13 w14"]
    batch = continuation_batch(
        model.preprocessor(prompts),
        model.preprocessor.tokens_of(continuations),
        start_token_id=START,
        end_token_id=END,
        pad_token_id=0,
    )
    model.compile(keras.optimizers.Adam(0.01), sampler="greedy", jit_compile=False)
    before = model.score(prompts, continuations)
    model.fit(*batch[:2], sample_weight=batch[2], epochs=60, verbose=0, shuffle=False)
    assert model.generate(prompts, max_new_tokens=20, strip_prompt=True) == continuations
    assert (model.score(prompts, continuations) > np.log(0.5)).all() and (before < -5).all()


@pytest.mark.parametrize("saved", ["masked_lm", "backbone", "causal_lm"])
def test_presets_of_pretraining_write(saved, model, tmp_path):
    directory = str(tmp_path)
    {
        "masked_lm": GLMMaskedLM(model.backbone, lm_head=model.lm_head),
        "backbone": model.backbone,
        "causal_lm": model,
    }[saved].save_to_preset(directory)
    tokenizer().save_to_preset(directory)
    expected = model.generate(TEXTS, max_new_tokens=NEW_TOKENS)
    for cls in (GLMCausalLM, keras_hub.models.CausalLM):
        restored = cls.from_preset(directory)
        assert type(restored) is GLMCausalLM and not restored.compiled
        assert restored.generate(TEXTS, max_new_tokens=NEW_TOKENS) == expected
    narrow = GLMCausalLM.from_preset(directory, dtype="bfloat16")
    assert narrow.backbone.dtype_policy.name == "bfloat16"
    assert len(narrow.generate(TEXTS, max_new_tokens=NEW_TOKENS)) == len(TEXTS)
    assert GLMCausalLM.from_preset(directory, preprocessor=None).preprocessor is None


def test_the_checkpoint_of_glms_authors_writes(tmp_path):
    from tests.conversion.test_glm_checkpoint import GLM, save

    path = save(tmp_path / "mp_rank_00_model_states.pt", GLM())
    model = GLMCausalLM.from_preset(path, name="glm")
    assert model.name == "glm" and model.preprocessor is None
    expected = GLMMaskedLM.from_preset(path).backbone.get_weights()
    for found, one in zip(model.backbone.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, one)
    with pytest.raises(ValueError, match=r"`preprocessor` must be there to take text"):
        model.generate("w1")


def test_it_has_what_a_masked_language_model_has(model):
    pretrained = pretrained_from(model)
    assert (pretrained.body, pretrained.task, pretrained.head_settings) == ("glm", "masked_lm", {})
    masked_lm = model_from(pretrained, preprocessor=None)
    assert isinstance(masked_lm, GLMMaskedLM)
    for found, expected in zip(masked_lm.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_saved_model_comes_back(model, tmp_path):
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    for found, expected in zip(restored.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": ["w1", TOO_LONG]}, rf"`inputs` must have at most {LONGEST} .*inputs\[1\] with"),
        ({"max_new_tokens": 0}, r"`max_new_tokens` must be a positive integer"),
        ({"max_new_tokens": LONGEST}, rf"`max_new_tokens` must be at most {LONGEST - 1}"),
        ({"max_length": -1}, r"`max_length` must be a positive integer"),
        ({"stop_token_ids": []}, r"`stop_token_ids` must be \"auto\""),
        ({"stop_token_ids": [99]}, r"`stop_token_ids` must be \"auto\""),
        ({"stop_token_ids": "never"}, r"`stop_token_ids` must be \"auto\""),
        ({"inputs": 5}, r"`inputs` must be a string or a list of strings"),
    ],
)
def test_generate_refuses_what_cannot_be(settings, message, model):
    with pytest.raises(ValueError, match=message):
        model.generate(**{"inputs": "w1", **settings})


@pytest.mark.parametrize(
    "sampler",
    [
        keras_hub.samplers.ContrastiveSampler(),
        keras_hub.samplers.BeamSampler(return_all_beams=True),
        RepetitionPenaltySampler(keras_hub.samplers.BeamSampler(return_all_beams=True)),
    ],
)
def test_samplers_that_do_not_fit_are_refused(sampler):
    with pytest.raises(ValueError, match=r"`sampler` must choose one sequence a text"):
        model_with(sampler)


def test_a_tokenizer_must_fit_the_body():
    preprocessor = GLMCausalLMPreprocessor(tokenizer())
    small = small_backbone("glm", vocabulary_size=20, num_layers=1)
    with pytest.raises(ValueError, match=r"`tokenizer` .*`vocabulary_size`, 20\. Received: .* 40"):
        GLMCausalLM(small, preprocessor).generate("w1")


def test_a_mask_may_be_written_as_mpnets_vocabularies_write_it(model):
    assert model.fill("w1 <mask> w2 <mask>", max_new_tokens=4) == model.fill(
        "w1 [MASK] w2 [MASK]", max_new_tokens=4
    )
    assert model.score(["w1 <mask> w2"], ["w3"]) == model.score(["w1 [MASK] w2"], ["w3"])


def test_a_vocabulary_with_mpnets_mask_takes_glms():
    special = [token for token in SPECIAL if token not in ("[PAD]", "[CLS]", "[SEP]", "[MASK]")]
    tokens = ["<s>", "<pad>", "</s>", *special, "w1", "w2", "[", "]", "mask", "<mask>"]
    preprocessor = GLMCausalLMPreprocessor(GLMTokenizer(tokens))
    theirs, ours = preprocessor(["w1 [MASK] w2", "w1 <mask> w2"])
    assert theirs == ours
    assert theirs.blank_positions == [2]
