"""Hugging Face's tokenizers as the tests build them, and the vocabularies they share."""

import functools
import itertools

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

BERTS_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MPNETS_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"]

# Lowercase, strip accents, split Chinese.
NORMALIZER_SETTINGS = list(itertools.product((True, False), repeat=3))


def normalizer_arguments(settings):
    return dict(zip(("lowercase", "strip_accents", "split_chinese"), settings, strict=True))


def reference_tokenizer(vocabulary, settings, added_tokens, *, unk_token="[UNK]", outside=()):
    """Builds BERT's pipeline of `tokenizers`.

    Args:
        vocabulary: list of str.
        settings: one of `NORMALIZER_SETTINGS`.
        added_tokens: list of `tokenizers.AddedToken`.
        unk_token: str.
        outside: tokens at the vocabulary's end that the WordPiece model does not know.
    """
    lowercase, strip_accents, split_chinese = settings
    ids = {token: index for index, token in enumerate(vocabulary) if token not in outside}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(ids, unk_token=unk_token))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=split_chinese
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    for token in added_tokens:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


def special_added_tokens(tokens):
    return [
        tokenizers.AddedToken(token, lstrip=token == "<mask>", normalized=False, special=True)
        for token in tokens
    ]


def reference_ids(tokenizer, texts):
    # The fast kind leaves out the offsets, not the ids.
    encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


@functools.cache
def berts_vocabulary(shared_data):
    path = shared_data / "vocab" / "bert-base-uncased-vocab.txt"
    return tuple(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))


def mpnets_vocabulary(shared_data):
    """MPNet's own vocabulary is BERT's between four tokens of its own and `<mask>`."""
    return ("<s>", "<pad>", "</s>", "<unk>", *berts_vocabulary(shared_data), "<mask>")


@functools.cache
def sampled_lines(shared_data):
    """Every line of the texts in fourteen languages, and one of 25 of the English corpus."""
    lines = []
    for path in sorted(shared_data.glob("multilingual/*.txt")):
        lines += path.read_bytes().decode().split("\n")
    for path in sorted(shared_data.glob("corpus/*.txt")):
        lines += path.read_bytes().decode().split("\n")[::25]
    assert len(lines) > 5000
    return tuple(lines)
