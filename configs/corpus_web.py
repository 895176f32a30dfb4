"""Web pages in English: every step that the published corpora take.

    mpnet-prepare --config=configs/corpus_web.py --input='crawl/*.warc.gz' --vocab=vocab.txt \\
        --config.contamination.enabled=True \\
        --config.contamination.evaluation_files="('glue/*/*.tsv', 'squad/*.json')" --output=shards

Evaluation texts are looked for only where they are named, as here. The thresholds are Gopher's
(arXiv 2112.11446), near-duplicates and evaluation texts are found as docs/data.md says. For another
language change `language.languages` and `quality.stop_words`.
"""

from data_prep.corpus_steps import default_corpus_recipe


def get_config():
    """Returns the recipe."""
    config = default_corpus_recipe()
    config.cleaning.enabled = True
    config.quality.enabled = True
    config.repetition.enabled = True
    config.language.enabled = True
    config.drop_duplicates = True
    config.near_duplicates.enabled = True
    config.repeated_lines.enabled = True
    return config
