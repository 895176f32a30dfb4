"""Several sources, of which the good ones count more: an encyclopedia, books and the web.

    mpnet-prepare --config=configs/corpus_mixture.py --vocab=vocab.txt --output=shards \\
        --config.sources.encyclopedia.input="('dumps/*.xml.bz2',)" \\
        --config.sources.books.input="('books/*.txt.gz',)" \\
        --config.sources.web.input="('crawl/*.warc.gz',)"

`weight` says how many copies of a document there are; `mpnet-inspect` shows the shares that come
out. All sources go through the same steps.
"""

import ml_collections

from data_prep.corpus_steps import default_corpus_recipe

_WEIGHTS = {"encyclopedia": 3.0, "books": 2.0, "web": 0.5}


def get_config():
    """Returns the recipe."""
    config = default_corpus_recipe()
    for name, weight in _WEIGHTS.items():
        config.sources[name] = ml_collections.ConfigDict({"input": ("",), "weight": weight})
    config.cleaning.enabled = True
    config.language.enabled = True
    config.drop_duplicates = True
    config.near_duplicates.enabled = True
    return config
