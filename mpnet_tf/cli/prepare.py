"""mpnet-prepare: text to token shards.

Tokenises text and writes a directory of token shards with a manifest and the tokenizer, which
`mpnet-pretrain` reads. Without --input the English reference text that ships with Python is
taken. Asked again for the shards that are already there, it leaves them as they are.

    mpnet-prepare --input='corpus/*.txt' --vocab=vocab.txt --output=shards --workers=4

A recipe cleans, filters and deduplicates first, and Apache Beam does the same on a cluster; what
follows -- are its own flags:

    mpnet-prepare --config=configs/corpus_web.py --input='crawl/*.warc.gz' --vocab=vocab.txt \\
        --output=shards --beam -- --runner=FlinkRunner --flink_master=host:8081
"""

import os

from absl import flags
from ml_collections import config_flags

from data_prep.prepare import DEFAULT_HELDOUT_SHARE, DEFAULT_TOKENS_PER_SHARD, prepare_shards
from mpnet_tf.cli import application, recipe_flag, text_flags

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Recipe of the steps before tokenising, a Python file with get_config(); single settings are "
    "changed by --config.section.field=value. Default: none, text is tokenised as it is.",
    lock_config=True,
)
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
    "Processes that work; their number changes nothing in the output.",
    lower_bound=1,
)
_HELDOUT_SHARE = flags.DEFINE_float(
    "heldout_share",
    DEFAULT_HELDOUT_SHARE,
    "Share of documents held out for evaluation, chosen by a hash of their content.",
    lower_bound=0.0,
    upper_bound=1.0,
)
_TOKENS_PER_SHARD = flags.DEFINE_integer(
    "tokens_per_shard", DEFAULT_TOKENS_PER_SHARD, "Most tokens of a shard.", lower_bound=1
)
_LOWERCASE = flags.DEFINE_bool(
    "lowercase",
    True,
    "Lowercase the text and strip its accents. A tokenizer's directory says so itself.",
)
_BEAM = flags.DEFINE_bool(
    "beam",
    False,
    "Have Apache Beam do the work, in this process or where its flags, after --, say. The output "
    "is the same, byte for byte.",
)

flags.adopt_module_key_flags(text_flags)
flags.mark_flags_as_required(["vocab", "output"])


def main(argv):
    """Prepares the shards that the flags ask for and returns their figures."""
    if argv[1:] and not _BEAM.value:
        raise application.UsageError(
            f"unexpected argument {argv[1]!r}; options are given as --name=value, and Beam's own "
            "after --beam --"
        )
    from data_prep.corpus_steps import CorpusSteps
    from mpnet_tf.models.tokenizers import open_tokenizer

    recipe = recipe_flag.read(_CONFIG) if flags.FLAGS["config"].present else {"sources": {}}
    _check_changed_settings(recipe)
    sources = _sources(recipe.pop("sources", {}))
    manifest = prepare_shards(
        sources,
        open_tokenizer(_VOCAB.value, lowercase=_LOWERCASE.value),
        _OUTPUT.value,
        steps=CorpusSteps.from_dict(recipe),
        num_workers=_WORKERS.value,
        heldout_share=_HELDOUT_SHARE.value,
        tokens_per_shard=_TOKENS_PER_SHARD.value,
        json_field=text_flags.JSON_FIELD.value,
        strict=text_flags.STRICT.value,
        reuse_existing=True,
        beam_arguments=argv[1:] if _BEAM.value else None,
    )
    return {
        "output": _OUTPUT.value,
        "vocabulary_size": manifest.vocabulary_size,
        "reading": manifest.reading,
        "steps": {
            step["step"]: {"documents_in": step["documents_in"], **step["documents_dropped"]}
            for step in manifest.steps
        },
        "splits": {
            name: {"documents": split.num_documents, "tokens": split.num_tokens}
            for name, split in manifest.splits.items()
        },
    }


def _check_changed_settings(recipe):
    """Refuses to change a setting of a step that is off: the user would take it for done."""
    changed = flags.FLAGS["config"]
    changed = config_flags.get_override_values(changed) if changed.present else {}
    for name in changed:
        section, _, setting = name.partition(".")
        is_off = setting and recipe[section].get("enabled") is False
        if is_off and setting != "enabled":
            raise application.UsageError(
                f"--config.{name} changes a step that is off; switch it on by "
                f"--config.{section}.enabled=True, or leave the setting out"
            )


def _sources(named):
    """Returns what to read: --input, the recipe's sources, or None for the default corpus."""
    from data_prep.sources import Source

    if named and text_flags.INPUT.value:
        raise application.UsageError("give --input or a recipe with sources, not both")
    if named:
        return [Source.from_dict(name, source) for name, source in named.items()]
    return text_flags.INPUT.value or None


def run():
    """Runs the binary."""
    application.run(main, takes_arguments=True)


if __name__ == "__main__":
    run()
