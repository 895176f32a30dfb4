"""WordPiece tokenizers in both layouts, and their files with single entries changed."""

import dataclasses
import json

from mpnet_tf.conversion.huggingface_tokenizer import TokenizerSettings

WORDS = ["a", "b", "##b", "\u00e9", "e", "A", "\u4e2d", "##\u4e2d", "[", "]", "<", ">", "mask"]
VOCABULARIES = {
    "mpnet": ("<s>", "<pad>", "</s>", "<unk>", "[UNK]", *WORDS, "<mask>"),
    "bert": ("[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS),
}
ROLES = {
    "mpnet": dict(
        zip(
            ("start_token", "pad_token", "end_token", "mask_token", "unk_token"),
            ("<s>", "<pad>", "</s>", "<mask>", "[UNK]"),
            strict=True,
        )
    ),
    "bert": dict(
        zip(
            ("start_token", "pad_token", "end_token", "mask_token", "unk_token"),
            ("[CLS]", "[PAD]", "[SEP]", "[MASK]", "[UNK]"),
            strict=True,
        )
    ),
}


def settings_of(kind, **changes):
    settings = TokenizerSettings(
        vocabulary=VOCABULARIES[kind],
        lowercase=True,
        strip_accents=None,
        split_chinese=True,
        special_tokens=ROLES[kind],
        pair_separators=2 if kind == "mpnet" else 1,
        has_segment_ids=kind == "bert",
        model_max_length=512,
    )
    return dataclasses.replace(settings, **changes)


def write_json(value, path):
    path.write_text(json.dumps(value), encoding="utf-8")


def change_json(path, *keys, value):
    """Sets an entry of a JSON file, or with None removes it."""
    contents = json.loads(path.read_text(encoding="utf-8"))
    part = contents
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    write_json(contents, path)
