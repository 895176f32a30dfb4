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
        (b"<s>\n</s>\na\n", r"vocab\.txt: .* lacks .*<pad>, <mask>, \[UNK\] or <unk>\. Train one"),
        (b"[CLS]\n[SEP]\n", r"lacks MPNet's special tokens <s>, <pad>, </s>, <mask>, \[UNK\]"),
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
