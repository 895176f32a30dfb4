"""What Hugging Face's `tokenizer.json` says, as far as BERT's kind of tokenizer goes."""

import dataclasses

from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.data.added_tokens import AddedToken


@dataclasses.dataclass(frozen=True)
class Template:
    """How special tokens are put around a text, and around and between the two of a pair.

    Args:
        start_token: str. Begins the row.
        end_token: str. Ends each text.
        pair_separators: int. How many end tokens stand between the texts.
        second_segment: int. Segment id of the second text and of the end token after it; all
            before them has 0.
    """

    start_token: str
    end_token: str
    pair_separators: int
    second_segment: int


@dataclasses.dataclass(frozen=True)
class FoundTokenizer:
    """What one file says of a tokenizer.

    Args:
        vocabulary: tuple of str. Added tokens included.
        lowercase: bool.
        strip_accents: bool or None.
        split_chinese: bool.
        added_tokens: tuple of `AddedToken`.
        unk_token: str or None. None where the file does not say.
        template: `Template`, or None where the file does not say.
    """

    vocabulary: tuple[str, ...]
    lowercase: bool
    strip_accents: bool | None
    split_chinese: bool
    added_tokens: tuple[AddedToken, ...]
    unk_token: str | None
    template: Template | None


def parse(contents, *, source):
    """Reads the contents of a `tokenizer.json`.

    Args:
        contents: dict.
        source: str. Path of the file, for messages.

    Returns:
        `FoundTokenizer`.

    Raises:
        ValueError: if the tokenizer does what `TransformerTokenizer` cannot.
    """
    try:
        model = contents["model"]
        _check_model(model)
        normalizer = _only(contents["normalizer"], "normalizer")
        _check(normalizer, "normalizer", {"type": ("BertNormalizer",), "clean_text": (True,)})
        pre_tokenizer = _only(contents["pre_tokenizer"], "pre_tokenizer")
        _check(pre_tokenizer, "pre_tokenizer", {"type": ("BertPreTokenizer",)})
        vocabulary = _vocabulary(model["vocab"], contents.get("added_tokens") or [])
        return FoundTokenizer(
            vocabulary=vocabulary,
            lowercase=normalizer["lowercase"],
            strip_accents=normalizer.get("strip_accents"),
            split_chinese=normalizer["handle_chinese_chars"],
            added_tokens=tuple(
                _added_token(token, model["vocab"]) for token in contents.get("added_tokens") or []
            ),
            unk_token=model["unk_token"],
            template=_template(contents.get("post_processor"), vocabulary),
        )
    except KeyError as error:
        raise ValueError(f"{source} lacks the entry {error}.") from error
    except ValueError as error:
        raise ValueError(f"{source} has {error}.") from error


def _only(part, name):
    """Returns a normaliser or pre-tokeniser that may be wrapped in a sequence of one."""
    parts = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers"}
    if part and part.get("type") == "Sequence" and len(part[parts[name]]) == 1:
        return part[parts[name]][0]
    return part or {"type": None}


def _check(part, name, supported):
    for key, values in supported.items():
        value = part.get(key)
        if value not in values:
            raise ValueError(
                f"{name}.{key}={value!r}, where {' or '.join(map(repr, values))} can be read"
            )


def _check_model(model):
    # Files of old versions do not say the type.
    kind = model.get("type", "WordPiece" if "continuing_subword_prefix" in model else None)
    _check({**model, "type": kind}, "model", {"type": ("WordPiece",)})
    supported = {
        "continuing_subword_prefix": (vocabulary_lib.CONTINUATION_PREFIX,),
        "max_input_chars_per_word": (vocabulary_lib.MAX_WORD_CHARACTERS,),
    }
    _check(model, "model", supported)


def _vocabulary(ids, added_tokens):
    ids = dict(ids)
    for token in added_tokens:
        if ids.setdefault(token["content"], token["id"]) != token["id"]:
            raise ValueError(
                f"two ids of the token {token['content']!r}: {ids[token['content']]} and "
                f"{token['id']}, where one can be read"
            )
    tokens = sorted(ids, key=ids.__getitem__)
    for index, token in enumerate(tokens):
        if ids[token] != index:
            raise ValueError(
                f"no token with the id {index} or two of them, where ids from 0 to the number of "
                "tokens can be read"
            )
    return tuple(tokens)


def _added_token(token, model_vocabulary):
    content = token["content"]
    if token.get("single_word"):
        raise ValueError(
            f"single_word=True for the added token {content!r}, where False can be read"
        )
    normalized = token.get("normalized", False)
    prefix = vocabulary_lib.CONTINUATION_PREFIX
    if not normalized and content in model_vocabulary and content.removeprefix(prefix).isalnum():
        # It is found in the text as given, and as a piece of normalised words besides.
        raise ValueError(
            f"normalized=False for the added token {content!r}, which is a word of the model, too: "
            "True can be read"
        )
    return AddedToken(content, normalized=normalized, special=token.get("special", False))


def _template(processor, vocabulary):
    if processor and processor.get("type") == "Sequence" and len(processor["processors"]) == 1:
        processor = processor["processors"][0]
    if processor is None:
        return None
    kind = processor.get("type")
    if kind in ("BertProcessing", "RobertaProcessing"):
        for token, index in (processor["cls"], processor["sep"]):
            _check_id(token, index, vocabulary)
        return Template(
            start_token=processor["cls"][0],
            end_token=processor["sep"][0],
            pair_separators=1 if kind == "BertProcessing" else 2,
            second_segment=1 if kind == "BertProcessing" else 0,
        )
    if kind != "TemplateProcessing":
        raise ValueError(
            f"post_processor.type={kind!r}, where 'BertProcessing', 'RobertaProcessing' or "
            "'TemplateProcessing' can be read"
        )
    for token in processor["special_tokens"].values():
        for name, index in zip(token["tokens"], token["ids"], strict=True):
            _check_id(name, index, vocabulary)
    return _parse_template(processor)


def _check_id(token, index, vocabulary):
    if not 0 <= index < len(vocabulary) or vocabulary[index] != token:
        raise ValueError(
            f"id {index} for {token!r} in its post_processor, where the vocabulary's own can be "
            "read"
        )


def _parse_template(processor):
    single, pair = _pieces(processor["single"]), _pieces(processor["pair"])
    start, end = single[0], single[-1]
    for pair_separators in range(1, len(pair)):
        for second_segment in (0, 1):
            expected = [
                *(start, ("A", 0), *[end] * pair_separators),
                *(("B", second_segment), (end[0], second_segment)),
            ]
            is_text = "A" in (start[0], end[0])
            if single == [start, ("A", 0), end] and pair == expected and not is_text:
                return Template(
                    start_token=processor["special_tokens"][start[0]]["tokens"][0],
                    end_token=processor["special_tokens"][end[0]]["tokens"][0],
                    pair_separators=pair_separators,
                    second_segment=second_segment,
                )
    raise ValueError(
        f"the template {_written(single)} and {_written(pair)}, where a start token, the text and "
        "an end token, in a pair as many end tokens as you like before the second text and one "
        "after it, can be read"
    )


def _pieces(template):
    """Returns the names and segment ids in a template: ("A", 0), ("[SEP]", 0)."""
    return [(piece["id"], piece["type_id"]) for entry in template for piece in entry.values()]


def _written(pieces):
    return " ".join(f"{name}:{segment}" for name, segment in pieces)
