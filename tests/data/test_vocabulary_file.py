"""Reading, checking and writing `vocab.txt`."""

import pytest

from mpnet_tf.data import vocabulary

TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", "a", "##b", "\u2028", "<mask>"]


def test_written_vocabulary_is_read_back(tmp_path):
    path = tmp_path / "folder" / "vocab.txt"
    vocabulary.write_vocabulary(TOKENS, path)
    assert vocabulary.read_vocabulary(path) == TOKENS
    assert [entry.name for entry in path.parent.iterdir()] == ["vocab.txt"]


def test_windows_line_ends_and_a_missing_last_one_are_read(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes("\r\n".join(TOKENS).encode("utf-8"))
    assert vocabulary.read_vocabulary(path) == TOKENS


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "vocab.txt"
    vocabulary.write_vocabulary(TOKENS, path)
    with pytest.raises(UnicodeEncodeError):
        vocabulary.write_vocabulary([*TOKENS, "\ud800"], path)
    assert vocabulary.read_vocabulary(path) == TOKENS
    assert [entry.name for entry in tmp_path.iterdir()] == ["vocab.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"vocab\.txt: the vocabulary is empty\. Train one"),
        (b"<s>\n\n</s>\n", r"vocab\.txt: entry 1 is empty\. Remove the blank line"),
        (b"<s>\na\nb\na\n", r"vocab\.txt: token 'a' appears 2 times.*Keep one"),
        (b"<s>\n</s>\na\n", r"vocab\.txt: .* of MPNet \(<pad>, <mask>, \[UNK\] or <unk>\) or of"),
        (b"[CLS]\n[SEP]\n", r"lacks special tokens: .* or of BERT \(\[PAD\], .*\)\. Train one"),
        (b"<s>\n\xff\n", r"vocab\.txt: not UTF-8 at byte 4\. Pass a vocab\.txt"),
        (b"<s>\n<pad>\n</s>\n<unk>\n<mask>\n" + b"x" * 257, r"entry 5 is longer than 256 bytes"),
    ],
)
def test_bad_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        vocabulary.read_vocabulary(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(OSError, match=r"nowhere\.txt"):
        vocabulary.read_vocabulary(tmp_path / "nowhere.txt")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(["<unk>", "[UNK]"], "[UNK]"), (["a", "<unk>"], "<unk>"), (["a"], None)],
)
def test_unknown_token(tokens, expected):
    assert vocabulary.unknown_token(tokens) == expected


BERTS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize(
    ("tokens", "layout", "start", "special"),
    [
        (TOKENS, "MPNet", "<s>", ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]),
        # MPNet's own vocabulary: BERT's tokens are text in it.
        (["<unk>", *BERTS, *TOKENS[:3], "<mask>"], "MPNet", "<s>", None),
        ([*BERTS, "a", "[gMASK]"], "BERT", "[CLS]", [*BERTS, "[gMASK]"]),
    ],
)
def test_special_tokens_are_known_by_name(tokens, layout, start, special):
    vocabulary.check_vocabulary(tokens, source="here")
    roles = vocabulary.special_roles(tokens)
    assert set(roles) == set(vocabulary.ROLES)
    assert roles["start_token"] == start
    assert vocabulary.layout_of_roles(roles) == layout
    if special is None:
        special = ["<unk>", "[UNK]", "<s>", "<pad>", "</s>", "<mask>"]
    assert vocabulary.special_tokens(tokens) == special


def test_roles_given_must_be_in_the_vocabulary():
    roles = dict(zip(vocabulary.ROLES, ["a", "b", "c", "d", "e"], strict=True))
    vocabulary.check_vocabulary([*"abcdef"], source="here", roles=roles)
    assert vocabulary.special_tokens([*"fedcba"], roles) == [*"edcba"]
    assert vocabulary.layout_of_roles(roles) is None
    with pytest.raises(ValueError, match=r"here: .*lacks the special tokens d, e\. Add a line"):
        vocabulary.check_vocabulary([*"abc"], source="here", roles=roles)
    assert vocabulary.special_roles([*"abc"]) is None
