"""Examples are cut out of batches whole, and every slot's part is told from the slots alone."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.models import MPNetTokenizer
from mpnet_tf.objectives import OBJECTIVES, MaskedPermuted, TokenRoles, make_objective
from mpnet_tf.visualization.slot_example import SlotExample, document_example, row_example
from mpnet_tf.visualization.word_tokenizer import word_tokenizer
from tests.visualization.slot_examples import (
    clm_example,
    glm_example,
    mlm_example,
    mpnet_example,
    plm_example,
)

NAMES = {"t": "token", "p": "predicted", "s": "stand-in", "q": "query"}


@pytest.mark.parametrize(
    ("example", "parts"),
    [
        (mpnet_example(), "tptptp sss qqq"),
        (plm_example(), "tptptp qqq"),
        (mlm_example(), "tststs"),
        (clm_example(), "tppp"),
        (glm_example(), "ttsts ppppp"),
    ],
)
def test_parts_are_told_from_the_slots(example, parts):
    assert example.parts() == [NAMES[letter] for letter in parts.replace(" ", "")]


def test_parts_are_those_of_the_document():
    """A masked document beside a causal one: the first token of either sees a prediction."""
    slots = {
        name: np.concatenate([mlm_example().slots[name], clm_example().slots[name]])
        for name in ("token_ids", "position_ids", "query_step", "key_start", "key_end")
    }
    slots["segment_ids"] = np.array([1] * 6 + [2] * 4)
    slots["prediction_slots"] = np.array([1, 3, 5, 6, 7])
    example = SlotExample(slots, mlm_example().tokens + clm_example().tokens)
    assert example.parts() == mlm_example().parts() + clm_example().parts()


def test_tells_what_sees_and_what_is_predicted():
    assert mpnet_example().seen_by() == [
        "all", "from 3", "all", "from 1", "all", "from 2", "to 0", "to 1", "to 2"
    ]  # fmt: skip
    assert mpnet_example().predictions == {9: "x4", 10: "猫", 11: "$x2$"}
    slots = {**clm_example().slots, "key_end": np.array([3, 3, 3, 4])}
    assert SlotExample(slots, clm_example().tokens).seen_by() == [
        "to 2", "1 to 2", "2 to 2", "3 to 3"
    ]  # fmt: skip
    assert SlotExample(slots, clm_example().tokens).predictions == {}


@pytest.fixture(scope="module")
def batch():
    """Two rows of documents, of which each predicts two in five tokens."""
    roles = TokenRoles(
        pad_token_id=1,
        mask_token_id=3,
        is_special=np.arange(12) < 4,
        is_continuation=np.zeros(12, bool),
    )
    objective = MaskedPermuted(
        roles, 14, num_predictions=6, prediction_rate=0.4, mask_rate=1.0, random_rate=0.0
    )
    rows = {
        "token_ids": [
            [0, 4, 5, 2, 0, 6, 7, 8, 9, 10, 2, 1, 1, 1],
            [0, *range(4, 12), 2, 1, 1, 1, 1],
        ],
        "position_ids": [[*range(4), *range(7), 0, 0, 0], [*range(10), 0, 0, 0, 0]],
        "segment_ids": [[1] * 4 + [2] * 7 + [0] * 3, [1] * 10 + [0] * 4],
    }
    rows = {name: tf.constant(values) for name, values in rows.items()}
    return objective(rows, tf.constant([1, 2]))


VOCABULARY = ["<s>", "<pad>", "</s>", "<mask>", *"abcdefgh"]


def test_cuts_one_document_out_of_a_batch(batch):
    example = document_example(batch, VOCABULARY, row=0, segment_id=2)
    assert example.tokens == ("<s>", *"cdefg", "</s>", *["<mask>"] * 4)
    assert example.slots["position_ids"][:7].tolist() == list(range(7))
    assert example.slots["prediction_slots"].tolist() == [9, 10]
    parts = example.parts()
    assert parts[7:] == ["stand-in", "stand-in", "query", "query"]
    predicted = {i for i, part in enumerate(parts) if part == "predicted"}
    assert predicted == set(example.slots["position_ids"][9:].tolist())
    targets = [example.tokens[place] for place in example.slots["position_ids"][9:]]
    assert example.targets == tuple(targets)


def test_keeps_all_documents_of_a_row(batch):
    example = document_example(batch, VOCABULARY)
    assert example.tokens == ("<s>", "a", "b", "</s>", "<s>", *"cdefg", "</s>", *["<mask>"] * 6)
    assert example.slots["segment_ids"].tolist() == [1] * 4 + [2] * 7 + [1, 2, 2] * 2
    assert example.slots["prediction_slots"].tolist() == [14, 15, 16]
    assert len(example.slots["objective_ids"]) == 3
    assert example.targets[1:] == document_example(batch, VOCABULARY, segment_id=2).targets


def test_leaves_out_places_without_a_prediction():
    """Such places point at real slots where there are no query slots."""
    slots = {name: values[np.newaxis] for name, values in mlm_example().slots.items()}
    slots["prediction_slots"] = np.array([[1, 3, 0, 0]])
    batch = slots, np.array([[2, 4, 0, 0]]), np.array([[1.0, 0.5, 0.0, 0.0]])
    example = document_example(batch, [*"abcdef"])
    assert example.predictions == {1: "c", 3: "e"}


def test_refuses_documents_that_are_not_there(batch):
    with pytest.raises(ValueError, match=r"`segment_id` must be.*row=1, segment_id=2"):
        document_example(batch, VOCABULARY, row=1, segment_id=2)
    with pytest.raises(ValueError, match=r"`segment_id` must be.*segment_id=0"):
        document_example(batch, VOCABULARY, segment_id=0)


def test_refuses_tokens_and_targets_that_do_not_name_the_slots():
    example = mpnet_example()
    with pytest.raises(ValueError, match=r"`tokens` must name each of the 12 slots.*11 tokens"):
        SlotExample(example.slots, example.tokens[1:])
    with pytest.raises(ValueError, match=r"`targets` must name each of the 3 pred.*2 targets"):
        SlotExample(example.slots, example.tokens, example.targets[1:])


TEXT = "my old dog sleeps all day. he likes the stove."


@pytest.mark.parametrize("name", [*OBJECTIVES, "mpnet:0.5,glm_document:0.5"])
def test_every_objective_gives_the_whole_text(name):
    """What is seen at the end and what is predicted are the text, whatever the objective."""
    tokenizer = word_tokenizer([TEXT])
    roles = TokenRoles.from_tokenizer(tokenizer)
    rates = {} if name == "clm" else {"prediction_rate": 0.5}
    example = row_example(
        tokenizer([TEXT]).to_list(),
        tokenizer,
        functools.partial(make_objective, name, roles, **rates),
        seed=20,
    )
    parts = example.parts()
    assert example.targets and "token" in parts and "[UNK]" not in example.tokens
    assert len(parts) == len(example.tokens)
    text = {token for token, part in zip(example.tokens, parts, strict=True) if part == "token"}
    specials = set(tokenizer.special_tokens)
    words = {*TEXT.replace(".", " .").split()}
    assert (text | set(example.targets)) - specials == words


def test_short_documents_get_the_room_for_what_they_predict():
    """Each predicts a token, which is more than the rate asks for."""
    tokenizer = word_tokenizer(["a", "b", "c", "d"])
    roles = TokenRoles.from_tokenizer(tokenizer)
    documents = tokenizer(["a", "b", "c", "d"]).to_list()
    make = functools.partial(make_objective, "mpnet", roles, prediction_rate=0.05)
    example = row_example(documents, tokenizer, make)
    assert example.targets == tuple("abcd")


def test_draws_again_where_nothing_is_predicted():
    """A sentence is left out at once in ten, so most of these begin with a draw without one."""
    tokenizer = word_tokenizer(["a b c."])
    roles = TokenRoles.from_tokenizer(tokenizer)
    make = functools.partial(make_objective, "glm_sentence", roles, prediction_rate=0.1)
    documents = tokenizer(["a b c."]).to_list()
    examples = [row_example(documents, tokenizer, make, seed=seed) for seed in range(5)]
    assert sum(bool(example.targets) for example in examples) >= 3


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_words_of_a_text_are_its_vocabulary(lowercase):
    texts = ["Ünï Don't—stop 我们 $x$ «ok» a\u2028b", "x" * 101 + " " + "我" + "é" * 99, "<mask>"]
    tokenizer = word_tokenizer(texts, lowercase=lowercase)
    assert isinstance(tokenizer, MPNetTokenizer)
    first, second, third = tokenizer(texts).to_list()
    assert tokenizer.unk_token_id not in first
    assert tokenizer.unk_token_id == second[0]
    assert third == [tokenizer.mask_token_id]
    assert ("Don" in tokenizer.get_vocabulary()) is not lowercase
