"""SentencePiece models of our own: the same for the same text, and made for GLM's tokenizer."""

import random
import sys

import numpy as np
import pytest
import sentencepiece

from data_prep import sentencepiece_vocabulary as trainer
from data_prep.prepare import prepare_shards
from data_prep.readers import read_documents
from mpnet_tf.conversion.sentencepiece_files import SentencePieceSettings
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models.tokenizers import open_tokenizer

# What GLM's tokenizer adds to the pieces.
ADDED = SentencePieceSettings.further_tokens
WORDS = ["人人", "生而", "自由", "在", "尊严", "和", "权利", "上", "一律", "平等"]


def chinese_documents(num_documents=60):
    generator = random.Random(3)
    return [
        "\n".join("".join(generator.choices(WORDS, k=8)) + "。" for _ in range(3))
        for _ in range(num_documents)
    ]


def pieces_of(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(index) for index in range(processor.vocab_size())]


@pytest.fixture(scope="module")
def model():
    return trainer.train_sentencepiece(chinese_documents(), size=60)


def test_words_become_pieces_and_the_size_is_kept(model):
    pieces = pieces_of(model)
    assert pieces[:3] == ["<unk>", "<s>", "</s>"]
    assert len(pieces) + len(ADDED) <= 60
    assert set(WORDS) <= set(pieces)


def test_tokenizer_of_glm_opens_it_and_cuts_as_sentencepiece_does(model, tmp_path):
    path = tmp_path / "zh.model"
    trainer.write_model(model, path)
    tokenizer = open_tokenizer(str(path))
    assert tokenizer.get_vocabulary() == [*pieces_of(model), *ADDED]
    assert tokenizer.mask_token == "[MASK]" and tokenizer.start_token == "[CLS]"
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = [*chinese_documents(5), "自由 龍 平等ＡＢ", ""]
    assert tokenizer(texts).to_list() == [processor.encode(text) for text in texts]
    text = "人人生而自由"
    ids = tokenizer([f"{text}[MASK]平等"]).to_list()[0]
    assert ids == [
        *processor.encode(text),
        len(pieces_of(model)) + ADDED.index("[MASK]"),
        *processor.encode("平等"),
    ]
    assert tokenizer.detokenize(tokenizer([text])).numpy()[0].decode() == text


def test_order_of_the_documents_does_not_matter(model):
    documents = chinese_documents()
    for shuffled in (documents[::-1], documents[30:] + documents[:30]):
        assert trainer.train_sentencepiece(iter(shuffled), size=60) == model


def test_no_text_of_a_long_line_is_lost():
    # SentencePiece alone would leave out lines of more than 4192 bytes.
    line = "".join(chinese_documents(100)).replace("\n", "") + "末"
    assert len(line.encode()) > 3 * 4192
    assert "末" in pieces_of(trainer.train_sentencepiece([line], size=60, character_coverage=1))
    words = "word " * 3000
    cut = list(trainer._lines([words, "short\n\nlines"]))
    assert max(map(len, cut)) <= 1000 and "".join(cut[:-2]) == words
    assert cut[-2:] == ["short", "lines"]
    assert {word for piece in cut[:-2] for word in piece.split()} == {"word"}


def test_character_coverage_decides_which_characters_are_known():
    # Each document has 90 characters that are common and one that is its own.
    documents = ["甲乙" * 45 + chr(0x4E00 + 50 * number) for number in range(100)]
    few = pieces_of(trainer.train_sentencepiece(documents, size=200, character_coverage=0.98))
    every = pieces_of(trainer.train_sentencepiece(documents, size=200, character_coverage=1))
    rare = {document[-1] for document in documents}
    assert rare <= set(every) and rare.isdisjoint(few)
    assert {"甲", "乙"} <= set("".join(few))


def test_only_so_much_text_is_learned_from(monkeypatch):
    documents = chinese_documents()
    monkeypatch.setattr(trainer, "MAX_CHARACTERS", 500)
    lines = []
    monkeypatch.setattr(
        sentencepiece.SentencePieceTrainer,
        "train",
        lambda sentence_iterator, **_: lines.extend(sentence_iterator),
    )
    trainer.train_sentencepiece(documents, size=60)
    # The ends of lines are text too.
    assert 480 < sum(map(len, lines)) <= 500
    lines_before = lines.copy()
    lines.clear()
    trainer.train_sentencepiece(reversed(documents), size=60)
    assert lines == lines_before


@pytest.mark.parametrize(
    ("documents", "size", "message"),
    [
        ([], 100, "holds no words"),
        (["\x01"], 100, "holds no words"),
        (["甲乙丙"], 10, r"of 10 tokens cannot hold .* Ask for at least 17"),
        (["甲乙丙"], 16, r"of 16 tokens cannot hold .* Ask for at least 17"),
    ],
)
def test_bad_request_is_refused(documents, size, message):
    with pytest.raises(ValueError, match=message):
        trainer.train_sentencepiece(documents, size=size)


def test_smallest_size_that_the_message_names_is_accepted():
    assert len(pieces_of(trainer.train_sentencepiece(["甲乙丙"], size=17))) == 7


@pytest.mark.parametrize("coverage", [0, 1.5])
def test_coverage_out_of_range_is_refused(coverage):
    with pytest.raises(ValueError, match=rf"above 0 and at most 1.* character_coverage={coverage}"):
        trainer.train_sentencepiece(["a"], size=50, character_coverage=coverage)


def test_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ValueError, match=r"sentencepiece must be installed: .*mpnet_tf\[corpus\]"):
        trainer.train_sentencepiece(["a"], size=50)


def test_file_is_whole_or_not_there(model, tmp_path):
    path = tmp_path / "folder" / "zh.model"
    trainer.write_model(model, path)
    assert path.read_bytes() == model and [path] == list(path.parent.iterdir())
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        trainer.write_model(model, tmp_path / "taken")
    assert not list(tmp_path.glob("*.tmp"))


def test_real_chinese_text_is_prepared_and_comes_back(shared_data, tmp_path):
    files = sorted(shared_data.glob("multilingual/cmn_*.txt"))
    documents = list(read_documents(map(str, files)))
    path = tmp_path / "zh.model"
    model = trainer.train_sentencepiece(documents, size=1000, character_coverage=1)
    trainer.write_model(model, path)
    tokenizer = open_tokenizer(str(path))
    shards_path = tmp_path / "shards"
    prepare_shards(list(map(str, files)), tokenizer, shards_path, heldout_share=0)
    shards = TokenShards.open(shards_path, "train")
    zeros = np.zeros(shards.num_documents, np.int64)
    ids = shards.read(np.arange(shards.num_documents), zeros, shards.document_lengths)
    assert tokenizer.token_to_id("<unk>") not in ids
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    ends = np.cumsum(shards.document_lengths)
    texts = [processor.decode(piece.tolist()) for piece in np.split(ids, ends[:-1])]
    normalized = map(processor.normalize, documents)
    assert texts == [text.removeprefix("▁").replace("▁", " ") for text in normalized]
