"""mpnet-train-vocab: text to a vocabulary.

Trains a WordPiece vocabulary with MPNet's special tokens and writes it as vocab.txt, one token a
line; or a SentencePiece model, for Chinese and other scripts without spaces, whose tokenizer has
GLM's special tokens. Without --input the English reference text that ships with Python is taken.
The same text gives the same file.

    mpnet-train-vocab --input='corpus/*.txt' --size=30000 --output=vocab.txt
    mpnet-train-vocab --input='zh/*.jsonl.gz' --kind=sentencepiece --size=50000 --output=zh.model

A vocabulary needs far less text than a model. --sample_share=0.1 takes every tenth document, by a
hash of its content: the same documents whatever the order and the names of the files, equal ones
all or none. All text is read, little is trained on, and memory does not grow with the text: of more
than 2 million different words the rarest are forgotten.
"""

from absl import flags, logging

from mpnet_tf.cli import application, text_flags

_WORDPIECE, _SENTENCEPIECE = "wordpiece", "sentencepiece"
_MODEL_ENDING = ".model"

_KIND = flags.DEFINE_enum(
    "kind",
    _WORDPIECE,
    [_WORDPIECE, _SENTENCEPIECE],
    "wordpiece cuts text at spaces and punctuation first; sentencepiece (a unigram model) needs no "
    "spaces.",
)
_SIZE = flags.DEFINE_integer(
    "size", 30527, "Number of tokens, special tokens included. Default: MPNet's.", lower_bound=1
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    f"Vocabulary file to write; of --kind={_SENTENCEPIECE} its name ends with {_MODEL_ENDING}.",
)
_SAMPLE_SHARE = flags.DEFINE_float(
    "sample_share",
    1.0,
    "Share of the documents to train on, above 0 and at most 1, chosen by a hash of their content. "
    f"--kind={_SENTENCEPIECE} takes 34 million characters at most, of the documents of the lowest "
    "hashes.",
)
_LOWERCASE = flags.DEFINE_bool(
    "lowercase",
    True,
    f"Lowercase the text and strip its accents; --kind={_SENTENCEPIECE} leaves both as they are.",
)
_CHARACTER_COVERAGE = flags.DEFINE_float(
    "character_coverage",
    0.9995,
    "Share of the text's characters that get a token, above 0 and at most 1; the rarest others are "
    f"unknown. Of --kind={_SENTENCEPIECE} alone. 1 suits scripts with few characters.",
)

flags.adopt_module_key_flags(text_flags)
flags.mark_flag_as_required("output")
for _name in ("sample_share", "character_coverage"):
    flags.register_validator(
        _name, lambda share: 0 < share <= 1, message="must be above 0 and at most 1"
    )
flags.register_multi_flags_validator(
    ["kind", "output"],
    lambda values: (
        values["kind"] != _SENTENCEPIECE
        or values["output"] is None
        or values["output"].endswith(_MODEL_ENDING)
    ),
    message=f"--output of --kind={_SENTENCEPIECE} must end with {_MODEL_ENDING}",
)


def main(argv):
    """Trains the vocabulary that the flags ask for and returns its path and figures."""
    del argv
    _check_flags_of_kind()
    from data_prep import readers, reference_text
    from data_prep.sampling import DocumentSample
    from mpnet_tf.cli.progress import announce

    if text_flags.INPUT.value:
        documents = readers.read_documents(
            text_flags.INPUT.value,
            json_field=text_flags.JSON_FIELD.value,
            strict=text_flags.STRICT.value,
        )
    else:
        documents = reference_text.reference_documents()
    sample = DocumentSample(documents, _SAMPLE_SHARE.value)
    train = _train_sentencepiece if _KIND.value == _SENTENCEPIECE else _train_wordpiece
    figures = train(sample)
    if figures["vocabulary_size"] < _SIZE.value:
        logging.warning(
            "The text has pieces for %d tokens only, of %d asked for.",
            figures["vocabulary_size"],
            _SIZE.value,
        )
    announce(
        f"{figures['vocabulary_size']:,} tokens of {sample.num_taken:,} documents: {_OUTPUT.value}"
    )
    return {
        "vocabulary": _OUTPUT.value,
        "kind": _KIND.value,
        "documents_read": sample.num_read,
        "documents_sampled": sample.num_taken,
        **figures,
    }


def _check_flags_of_kind():
    """Refuses what the user set and the kind of vocabulary knows nothing of."""
    other = _LOWERCASE if _KIND.value == _SENTENCEPIECE else _CHARACTER_COVERAGE
    if other.present:
        raise application.UsageError(
            f"--{other.name} means nothing with --kind={_KIND.value}; leave it out"
        )


def _train_wordpiece(documents):
    """Trains on documents, writes the vocabulary, and returns its figures."""
    from data_prep.vocabulary import train_vocabulary
    from mpnet_tf.data import output_directory, vocabulary

    tokens = train_vocabulary(documents, size=_SIZE.value, lowercase=_LOWERCASE.value)
    with output_directory.explained_write_errors(_OUTPUT.value):
        vocabulary.write_vocabulary(tokens, _OUTPUT.value)
    return {"vocabulary_size": len(tokens), "lowercase": _LOWERCASE.value}


def _train_sentencepiece(documents):
    """Trains on documents, writes the model, and returns its figures."""
    from data_prep.sentencepiece_vocabulary import train_sentencepiece, write_model
    from mpnet_tf.data import output_directory
    from mpnet_tf.models.tokenizers import open_tokenizer

    model = train_sentencepiece(
        documents, size=_SIZE.value, character_coverage=_CHARACTER_COVERAGE.value
    )
    with output_directory.explained_write_errors(_OUTPUT.value):
        write_model(model, _OUTPUT.value)
    return {
        # With what the tokenizer adds to the model's pieces.
        "vocabulary_size": open_tokenizer(_OUTPUT.value).vocabulary_size(),
        "character_coverage": _CHARACTER_COVERAGE.value,
    }


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
