"""mpnet-train-vocab: text to a vocabulary.

Trains a WordPiece vocabulary with MPNet's special tokens and writes it as vocab.txt, one token a
line. Without --input the English reference text that ships with Python is taken. The same text
gives the same file.

    mpnet-train-vocab --input='corpus/*.txt' --size=30000 --output=vocab.txt
"""

from absl import flags, logging

from mpnet_tf.cli import application, text_flags

_SIZE = flags.DEFINE_integer(
    "size", 30527, "Number of tokens, special tokens included. Default: MPNet's.", lower_bound=1
)
_OUTPUT = flags.DEFINE_string("output", None, "Vocabulary file to write.")
_LOWERCASE = flags.DEFINE_bool("lowercase", True, "Lowercase the text and strip its accents.")

flags.adopt_module_key_flags(text_flags)
flags.mark_flag_as_required("output")


def main(argv):
    """Trains the vocabulary that the flags ask for and returns its path and size."""
    del argv
    from data_prep import readers, reference_text
    from data_prep import vocabulary as trainer
    from mpnet_tf.data import output_directory, vocabulary

    if text_flags.INPUT.value:
        documents = readers.read_documents(
            text_flags.INPUT.value,
            json_field=text_flags.JSON_FIELD.value,
            strict=text_flags.STRICT.value,
        )
    else:
        documents = reference_text.reference_documents()
    tokens = trainer.train_vocabulary(documents, size=_SIZE.value, lowercase=_LOWERCASE.value)
    if len(tokens) < _SIZE.value:
        logging.warning(
            "The text has pieces for %d tokens only, of %d asked for.", len(tokens), _SIZE.value
        )
    with output_directory.explained_write_errors(_OUTPUT.value):
        vocabulary.write_vocabulary(tokens, _OUTPUT.value)
    return {
        "vocabulary": _OUTPUT.value,
        "vocabulary_size": len(tokens),
        "lowercase": _LOWERCASE.value,
    }


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
