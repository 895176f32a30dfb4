"""Tiny models of every task with random weights, and the texts that they are asked about."""

import string

import numpy as np

from mpnet_tf.models import (
    BertTokenizer,
    GLMBackbone,
    GLMCausalLM,
    GLMCausalLMPreprocessor,
    GLMTokenizer,
    MPNetTokenizer,
    make_backbone,
    make_task,
)

_WORDS = ["the", "cat", "dog", "sat", "on", "mat", "house", "ran", "to", "big", "red", "blue"]
_LETTERS = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
_OTHERS = ["été", "猫", "я", "##я", "ا", "न", "ก", "日", "本", ".", ",", "?", "😀", "##ing"]
TEXT_TOKENS = [*_WORDS, *_LETTERS, *_OTHERS]
SEQUENCE_LENGTH = 24

# ruff: noqa: RUF001
# As people write: nothing, a lot, emoji, many scripts, bad spaces.
TEXTS = [
    "the cat sat on the mat.",
    "",
    "   ",
    "the big red dog ran to the small blue house " * 40,
    "😀 the cat 😀😀",
    "All human beings are born free and equal in dignity and rights.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "人人生而自由,在尊严和权利上一律平等。",
    "すべての人間は、生まれながらにして自由である。",
    "모든 인간은 태어날 때부터 자유로우며 존엄하다.",
    "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में स्वतन्त्रता.",
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι.",
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng.",
    "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "a\tb\n\u00a0c\u200bd\u0000e",
]


def tokenizer_of(body):
    """Makes a tokenizer for a body."""
    if body == "mpnet":
        return MPNetTokenizer(["<s>", "<pad>", "</s>", "[UNK]", *TEXT_TOKENS, "<mask>"])
    if body == "bert":
        return BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *TEXT_TOKENS])
    masks = ["[MASK]", "[gMASK]", "[sMASK]", "<|startofpiece|>", "<|endofpiece|>"]
    return GLMTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *masks, *TEXT_TOKENS])


def randomize(model, scale=0.4):
    """Gives a model weights with which it finds not every answer as good as the next."""
    generator = np.random.default_rng(11)
    for weight in model.weights:
        if not weight.name.startswith(("gamma", "beta")):
            weight.assign(generator.normal(scale=scale, size=weight.shape))


def tiny_model(task, body, **head_settings):
    """Makes a tiny model of a task with its preprocessor."""
    tokenizer = tokenizer_of(body)
    backbone = make_backbone(
        body,
        # Ids that no token has.
        vocabulary_size=tokenizer.vocabulary_size() + 3,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=SEQUENCE_LENGTH,
    )
    model = make_task(task, backbone, **head_settings)
    model.preprocessor = model.preprocessor_cls(tokenizer, sequence_length=SEQUENCE_LENGTH)
    randomize(model)
    return model


def tiny_writer(tokenizer=None):
    """Makes a tiny `GLMCausalLM`, with a vocabulary of its own unless one is given."""
    tokenizer = tokenizer or tokenizer_of("glm")
    backbone = GLMBackbone(
        tokenizer.vocabulary_size() + 3,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=SEQUENCE_LENGTH,
    )
    model = GLMCausalLM(backbone, GLMCausalLMPreprocessor(tokenizer))
    randomize(model, scale=0.6)
    return model
