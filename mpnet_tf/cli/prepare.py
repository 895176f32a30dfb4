"""mpnet-prepare: text to token shards.

Tokenises text and writes a directory of token shards with a manifest and the tokenizer, which
`mpnet-pretrain` reads. Without --input the English reference text that ships with Python is
taken. Asked again for the shards that are already there, it leaves them as they are.

    mpnet-prepare --input='corpus/*.txt' --vocab=vocab.txt --output=shards --workers=4
"""

import os

from absl import flags

from data_prep.prepare import DEFAULT_HELDOUT_SHARE, prepare_shards
from mpnet_tf.cli import application, text_flags

_VOCAB = flags.DEFINE_string(
    "vocab",
    None,
    "Vocabulary file, one token a line; SentencePiece model; or directory with a tokenizer "
    "(preset, transformers, GLM's).",
)
_OUTPUT = flags.DEFINE_string("output", None, "Directory of shards to write.")
_WORKERS = flags.DEFINE_integer(
    "workers",
    os.cpu_count(),
    "Processes that tokenise; their number changes nothing in the output.",
    lower_bound=1,
)
_HELDOUT_SHARE = flags.DEFINE_float(
    "heldout_share",
    DEFAULT_HELDOUT_SHARE,
    "Share of documents held out for evaluation, chosen by a hash of their content.",
    lower_bound=0.0,
    upper_bound=1.0,
)
_LOWERCASE = flags.DEFINE_bool(
    "lowercase",
    True,
    "Lowercase the text and strip its accents. A tokenizer's directory says so itself.",
)

flags.adopt_module_key_flags(text_flags)
flags.mark_flags_as_required(["vocab", "output"])


def main(argv):
    """Prepares the shards that the flags ask for and returns their figures."""
    del argv
    from mpnet_tf.models.tokenizers import open_tokenizer

    manifest = prepare_shards(
        text_flags.INPUT.value or None,
        open_tokenizer(_VOCAB.value, lowercase=_LOWERCASE.value),
        _OUTPUT.value,
        num_workers=_WORKERS.value,
        heldout_share=_HELDOUT_SHARE.value,
        json_field=text_flags.JSON_FIELD.value,
        strict=text_flags.STRICT.value,
        reuse_existing=True,
    )
    return {
        "output": _OUTPUT.value,
        "vocabulary_size": manifest.vocabulary_size,
        "reading": manifest.reading,
        "splits": {
            name: {"documents": split.num_documents, "tokens": split.num_tokens}
            for name, split in manifest.splits.items()
        },
    }


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
