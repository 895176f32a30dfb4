"""Masked language models on raw text, against loops over models of `transformers`."""

import itertools

import keras
import keras_hub
import numpy as np
import pytest

from mpnet_tf.conversion.huggingface_tokenizer import write_tokenizer
from mpnet_tf.models import (
    BertMaskedLM,
    BertTokenizer,
    Guess,
    JointlyFilledText,
    MPNetMaskedLM,
    MPNetTextPreprocessor,
    MPNetTokenizer,
    TransformerMaskedLM,
    TransformerTextPreprocessor,
    TransformerTokenizer,
    make_masked_lm,
)
from mpnet_tf.models.preset_conversion import convert
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers
from tests.models.small_models import BODY_NAMES, randomize, small_backbone

WORDS = ["the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran", "in", "##to", "##ne", "."]
KINDS = {
    "mpnet": (
        MPNetMaskedLM,
        MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]),
        "MPNetForMaskedLM",
    ),
    "bert": (
        BertMaskedLM,
        BertTokenizer(["[PAD]", "[UNK]", *WORDS, "[CLS]", "[SEP]", "[MASK]"]),
        "BertForMaskedLM",
    ),
}
# Rows of the embedding that no token has, as BERT's checkpoints for accelerators do.
NUM_FILLERS = 3
LONGEST = 30
# With masks of the text's own, special tokens, words of several tokens and unknown ones.
TEXTS = [
    "The cat sat on the mats.",
    "",
    "a dog ran intone mats",
    "a [UNK] xyzzy {mask} into {end} town",
    "cats",
    "the mats " * 5,
]


class Kind:
    """A kind's model here and in `transformers`, with the same weights and tokenizer."""

    def __init__(self, name, directory):
        self.cls, self.tokenizer, peer_class = KINDS[name]
        self.peer = peer_models.make_model(
            peer_class,
            vocab_size=self.tokenizer.vocabulary_size() + NUM_FILLERS,
            pad_token_id=self.tokenizer.pad_token_id,
            max_position_embeddings=LONGEST + (2 if name == "mpnet" else 0),
        )
        self.peer.save_pretrained(directory)
        write_tokenizer(self.tokenizer.settings(), directory, model_type=name)
        self.directory = directory
        self.peer_tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = self.cls.from_preset(directory)
        self.texts = [text.format(mask=self.mask, end=self.tokenizer.end_token) for text in TEXTS]

    @property
    def mask(self):
        return self.tokenizer.mask_token

    def peer_probabilities(self, token_ids):
        with torch.no_grad():
            return self.peer(torch.tensor([token_ids])).logits[0].double().softmax(-1).numpy()

    def is_text(self, token_id):
        vocabulary_size = self.tokenizer.vocabulary_size()
        return token_id < vocabulary_size and token_id not in self.tokenizer.special_token_ids


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request, tmp_path_factory):
    return Kind(request.param, str(tmp_path_factory.mktemp(request.param)))


def peer_guesses(kind, token_ids):
    """Returns, for each mask, the ids of text in the order of their probabilities, and these."""
    probabilities = kind.peer_probabilities(token_ids)
    masks = [
        place for place, index in enumerate(token_ids) if index == kind.peer_tokenizer.mask_token_id
    ]
    orders = [filter(kind.is_text, np.argsort(-probabilities[place])) for place in masks]
    return [
        [(int(i), probabilities[place, i]) for i in order]
        for place, order in zip(masks, orders, strict=True)
    ]


def test_guesses_are_those_of_transformers(kind):
    texts = [
        f"The {kind.mask} sat on {kind.mask}s.",
        "no blank",
        f"{kind.mask}",
        f"a {kind.mask} dog ran",
    ]
    found = kind.model.fill_mask(texts, top_k=4, batch_size=3)
    assert [len(guesses) for guesses in found] == [2, 0, 1, 1]
    for text, guesses in zip(texts, found, strict=True):
        expected = peer_guesses(kind, kind.peer_tokenizer(text)["input_ids"])
        for of_mask, expected_of_mask in zip(guesses, expected, strict=True):
            tokens = [kind.tokenizer.id_to_token(index) for index, _ in expected_of_mask[:4]]
            assert [guess.token for guess in of_mask] == tokens
            scores = [score for _, score in expected_of_mask[:4]]
            np.testing.assert_allclose([guess.score for guess in of_mask], scores, atol=1e-5)
    assert kind.model.fill_mask(texts[3], top_k=1) == tuple(g[:1] for g in found[3])
    assert kind.model.fill_mask([]) == []


def peer_fill(kind, text, order):
    """Fills masks one at a time by the model of `transformers`."""
    token_ids = list(kind.peer_tokenizer(text)["input_ids"])
    mask_id = kind.peer_tokenizer.mask_token_id
    filled = {}
    while mask_id in token_ids:
        places = [place for place, index in enumerate(token_ids) if index == mask_id]
        best = [guesses[0] for guesses in peer_guesses(kind, token_ids)]
        chosen = 0
        if order == "most_certain":
            chosen = int(np.argmax([score for _, score in best]))
        token_ids[places[chosen]] = best[chosen][0]
        filled[places[chosen]] = best[chosen]
    return [filled[place] for place in sorted(filled)]


@pytest.mark.parametrize("order", ["most_certain", "left_to_right"])
def test_masks_are_filled_with_regard_to_each_other(kind, order):
    mask = kind.mask
    texts = [f"The {mask} {mask} on the {mask} .", "no blank", f"{mask} {mask} {mask} {mask}"]
    found = kind.model.fill(texts, order=order, batch_size=2)
    for text, result in zip(texts, found, strict=True):
        expected = peer_fill(kind, text, order)
        tokens = [kind.tokenizer.id_to_token(index) for index, _ in expected]
        assert [guess.token for guess in result.guesses] == tokens
        scores = [score for _, score in expected]
        np.testing.assert_allclose([guess.score for guess in result.guesses], scores, atol=1e-5)
    assert kind.model.fill(texts[1]) == JointlyFilledText("no blank", ())


def test_the_order_counts_and_words_are_joined(kind):
    mask = kind.mask
    texts = [" ".join([*words, mask, mask, mask]) for words in itertools.combinations(WORDS[:5], 2)]
    by_order = {
        order: kind.model.fill(texts, order=order) for order in ("most_certain", "left_to_right")
    }
    assert by_order["most_certain"] != by_order["left_to_right"]
    results = [result for results in by_order.values() for result in results]
    assert any(guess.token.startswith("##") for result in results for guess in result.guesses)
    for text, result in zip(texts * 2, results, strict=True):
        expected = text
        for guess in result.guesses:
            is_part = guess.token.startswith("##")
            old, new = (f" {mask}", guess.token[2:]) if is_part else (mask, guess.token)
            expected = expected.replace(old, new, 1)
        assert result.text == expected and mask not in result.text


def peer_likelihood(kind, text, within_word_left_to_right=False):
    """Masks one token at a time; returns the sum of the logarithms and how many there are."""
    encoded = kind.peer_tokenizer(text, truncation=True, max_length=LONGEST)
    token_ids, words = encoded["input_ids"], encoded.word_ids()
    special = set(kind.peer_tokenizer.all_special_ids) - {kind.peer_tokenizer.unk_token_id}
    total, count = 0.0, 0
    for place, token_id in enumerate(token_ids):
        if token_id in special:
            continue
        masked = list(token_ids)
        masked[place] = kind.peer_tokenizer.mask_token_id
        for behind in range(place + 1, len(token_ids)):
            if within_word_left_to_right and words[behind] == words[place] is not None:
                masked[behind] = kind.peer_tokenizer.mask_token_id
        total += np.log(kind.peer_probabilities(masked)[place, token_id])
        count += 1
    return total, count


@pytest.mark.parametrize("within_word_left_to_right", [False, True])
def test_pseudo_likelihoods_are_those_of_the_definition(kind, within_word_left_to_right):
    settings = {"batch_size": 7, "within_word_left_to_right": within_word_left_to_right}
    found = kind.model.pseudo_log_likelihood(kind.texts, **settings)
    sums, counts = np.transpose(
        [peer_likelihood(kind, text, within_word_left_to_right) for text in kind.texts]
    )
    assert found.dtype == np.float64 and found[1] == 0 and (counts == 0).sum() == 1
    np.testing.assert_allclose(found, sums, rtol=1e-5)
    perplexity = kind.model.pseudo_perplexity(kind.texts, **settings)
    np.testing.assert_allclose(perplexity, np.exp(-sums.sum() / counts.sum()), rtol=1e-5)


def test_later_parts_of_a_word_count_once_they_are_hidden(kind):
    text = ["intone"]
    usual = kind.model.pseudo_log_likelihood(text)
    assert (
        abs(usual - kind.model.pseudo_log_likelihood(text, within_word_left_to_right=True)) > 0.01
    )
    # Of words with one token each nothing is hidden besides.
    text = ["the cat sat."]
    np.testing.assert_allclose(
        kind.model.pseudo_log_likelihood(text),
        kind.model.pseudo_log_likelihood(text, within_word_left_to_right=True),
        rtol=1e-6,
    )


def test_batches_and_other_texts_change_nothing(kind):
    together = kind.model.pseudo_log_likelihood(kind.texts, batch_size=1000)
    alone = [kind.model.pseudo_log_likelihood([text], batch_size=1)[0] for text in kind.texts]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert kind.model.pseudo_log_likelihood([]).shape == (0,)


def test_texts_that_are_cut_are_counted(kind, caplog):
    long = "the cat " * 20
    found = kind.model.pseudo_log_likelihood([long, "a", long])
    assert [record.getMessage() for record in caplog.records] == [
        f"2 of the 3 texts are longer than {LONGEST - 2} tokens and are cut at the end."
    ]
    np.testing.assert_allclose(found[[0, 2]], peer_likelihood(kind, long)[0], rtol=1e-5)
    caplog.clear()
    result = kind.model.fill(f"{kind.mask} {long}{kind.mask} ran")
    assert len(caplog.records) == 1
    assert result.text.endswith(f"{kind.mask} ran") and len(result.guesses) == 1
    assert len(kind.model.fill_mask(f"{kind.mask} {long}{kind.mask} ran")) == 1


def test_a_preset_brings_the_preprocessor(kind, tmp_path):
    assert kind.model.preprocessor.sequence_length == LONGEST
    expected = kind.model.pseudo_log_likelihood(kind.texts)
    kind.model.save_to_preset(str(tmp_path / "saved"))
    convert(kind.directory, str(tmp_path / "converted"), to="keras")
    for name in ("saved", "converted"):
        for cls in (kind.cls, TransformerMaskedLM):
            model = cls.from_preset(str(tmp_path / name))
            assert type(model) is kind.cls
            np.testing.assert_allclose(model.pseudo_log_likelihood(kind.texts), expected, rtol=1e-6)
    restored = keras_hub.models.MaskedLM.from_preset(str(tmp_path / "saved"))
    assert restored.preprocessor.sequence_length == LONGEST
    assert kind.cls.from_preset(kind.directory, preprocessor=None).preprocessor is None


@pytest.mark.parametrize("body", BODY_NAMES)
def test_every_body_takes_text_after_pretraining(body, tmp_path):
    tokenizer = TransformerTokenizer(KINDS["bert"][1].get_vocabulary())
    keras.utils.set_random_seed(1)
    model = make_masked_lm(small_backbone(body, vocabulary_size=tokenizer.vocabulary_size()))
    randomize(model)
    # As a pretraining run leaves them.
    model.save_to_preset(str(tmp_path))
    tokenizer.save_to_preset(str(tmp_path))
    restored = type(model).from_preset(str(tmp_path))
    assert isinstance(restored.preprocessor, TransformerTextPreprocessor)
    ((guesses,),) = restored.fill_mask(["the [MASK] sat"])
    assert len(guesses) == 5 and isinstance(guesses[0], Guess)
    text, token_ids = "the cat", tokenizer(["the cat"]).to_list()[0]
    row = [tokenizer.start_token_id, *token_ids, tokenizer.end_token_id]
    expected = 0.0
    for place in (1, 2):
        masked = np.array([row])
        masked[0, place] = tokenizer.mask_token_id
        inputs = {
            **{name: np.zeros_like(masked) for name in model.backbone.input},
            "token_ids": masked,
            "padding_mask": np.ones_like(masked),
            "mask_positions": np.array([[place]]),
        }
        logits = np.asarray(model(inputs), np.float64)[0, 0]
        expected += logits[row[place]] - np.log(np.exp(logits).sum())
    np.testing.assert_allclose(restored.pseudo_log_likelihood([text]), expected, rtol=1e-5)


def test_a_model_without_preprocessor_says_what_it_needs(kind):
    model = kind.cls(kind.model.backbone, lm_head=kind.model.lm_head)
    message = r"`preprocessor` of the model must be set .* Received: preprocessor=None\. Set it to"
    for method in (model.fill_mask, model.fill, model.pseudo_log_likelihood):
        with pytest.raises(ValueError, match=message):
            method(["the cat"])
    tokenizer = MPNetTokenizer([*KINDS["mpnet"][1].get_vocabulary(), *"bcdefgh"])
    model.preprocessor = TransformerTextPreprocessor(
        tokenizer, LONGEST, has_segment_ids=bool(model.backbone.num_segments)
    )
    with pytest.raises(ValueError, match=r"`tokenizer` of the preprocessor must have no more"):
        model.fill_mask(["the cat"])


def test_arguments_out_of_range_are_refused(kind):
    model = kind.model
    with pytest.raises(ValueError, match=r"`order` must be one of most_certain, left_to_right"):
        model.fill(["a"], order="best")
    with pytest.raises(ValueError, match=r"`top_k` must be from 1 to 13, .*top_k=14"):
        model.fill_mask(["a"], top_k=14)
    for method in (model.fill_mask, model.fill, model.pseudo_log_likelihood):
        with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer"):
            method(["a"], batch_size=0)
        with pytest.raises(ValueError, match=r"`texts` must be a string or a list of strings"):
            method([5])
        with pytest.raises(ValueError, match=r"`texts` must have rank 0 or 1"):
            method([["a"]])
    with pytest.raises(ValueError, match=r"must have a token to be scored. Received: 2 texts"):
        model.pseudo_perplexity(["", " "])
    with pytest.raises(ValueError, match=r"`x` must be a dict of token_ids.*call `fill_mask`"):
        model.predict(np.array(["the cat"]))


def test_a_mask_that_the_tokenizer_does_not_find_is_refused():
    vocabulary = [*KINDS["mpnet"][1].get_vocabulary(), "a<mask>"]
    tokenizer = MPNetTokenizer(
        vocabulary,
        added_tokens=[{"content": token, "special": True} for token in ("<mask>", "a<mask>")],
    )
    backbone = small_backbone("mpnet", vocabulary_size=len(vocabulary), num_layers=1)
    model = MPNetMaskedLM(backbone, MPNetTextPreprocessor(tokenizer, LONGEST))
    with pytest.raises(ValueError, match=r"`texts` must have each mask .* 1 mask tokens .*finds 0"):
        model.fill("a<mask> b")
