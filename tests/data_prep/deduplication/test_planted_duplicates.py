"""Near-duplicates made of real documents are found, and nothing else is."""

import random

import datasketch
import numpy as np
import pytest

from data_prep.deduplication.near import (
    NearDuplicateSettings,
    are_near,
    band_keys,
    candidate_pairs,
    signatures,
)
from data_prep.word_table import WordTable

SETTINGS = NearDuplicateSettings()
NUM_DOCUMENTS = 600


@pytest.fixture(scope="module")
def real_documents(shared_data):
    """Documents of at least 50 words of news and film reviews, no two of them near."""
    documents = []
    for name in ("abc.txt", "movie_reviews.txt"):
        texts = (shared_data / "corpus" / name).read_text(encoding="utf-8").split("\n\n")
        long_enough = [text for text in texts if len(text.split()) >= 50]
        documents += random.Random(0).sample(long_enough, NUM_DOCUMENTS // 2)
    return documents


@pytest.fixture(scope="module")
def short_documents(shared_data):
    """Different lines of 20 to 49 words."""
    text = (shared_data / "corpus" / "movie_reviews.txt").read_text(encoding="utf-8")
    lines = sorted({line for line in text.split("\n") if 20 <= len(line.split()) < 50})
    return random.Random(0).sample(lines, NUM_DOCUMENTS)


def change_words(text, share, rng, vocabulary):
    """Replaces, deletes or inserts a word at a share of the places, a third each."""
    words = text.split()
    places = rng.sample(range(len(words)), max(1, round(share * len(words))))
    for number, place in enumerate(places):
        other = rng.choice(vocabulary)
        words[place] = [other, "", f"{words[place]} {other}"][number % 3]
    return " ".join(words)


def dropped_documents(texts):
    """Returns the indices of near-duplicates, and the signatures."""
    signed = signatures(WordTable.of(texts), SETTINGS)
    keys = band_keys(signed, SETTINGS)
    orders = np.repeat(np.arange(len(texts), dtype=np.uint64), keys.shape[1])
    lower, higher = candidate_pairs(keys.reshape(-1), orders)
    is_near = are_near(signed[lower], signed[higher], SETTINGS.threshold)
    return set(higher[is_near].tolist()), signed


def dropped_by_datasketch(signed):
    """Asks datasketch's own index for the earlier ones of each document, and compares them all."""
    index = datasketch.MinHashLSH(
        threshold=SETTINGS.threshold, num_perm=signed.shape[1], weights=(0.1, 0.9)
    )
    dropped, minhashes = set(), []
    for place, values in enumerate(signed):
        minhash = datasketch.MinHash(hashvalues=values, scheme="affine32")
        earlier = index.query(minhash)
        if any(minhash.jaccard(minhashes[other]) >= SETTINGS.threshold for other in earlier):
            dropped.add(place)
        index.insert(place, minhash)
        minhashes.append(minhash)
    return dropped


def plant(documents, share):
    rng = random.Random(1)
    vocabulary = sorted({word for text in documents for word in text.split()})
    return [change_words(text, share, rng, vocabulary) for text in documents]


# Of 5,453 documents of the whole corpus 1, 0.999, 0.49 and 0 are found, of 4,998 short ones
# 0.990, 0.973, 0.42 and 0.006; with 20% changed stretches in common are a third.
@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.01, 1.0, 1.0), (0.05, 0.99, 1.0), (0.2, 0.0, 0.0)]
)
def test_planted_documents_are_found_and_no_real_one_is(real_documents, share, least, most):
    dropped, signed = dropped_documents([*real_documents, *plant(real_documents, share)])
    assert not any(place < NUM_DOCUMENTS for place in dropped)
    assert least <= len(dropped) / NUM_DOCUMENTS <= most
    assert dropped == dropped_by_datasketch(signed)


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.01, 0.97, 1.0), (0.05, 0.95, 1.0), (0.2, 0.0, 0.03)]
)
def test_short_planted_documents_are_found(short_documents, share, least, most):
    dropped, _ = dropped_documents([*short_documents, *plant(short_documents, share)])
    assert not any(place < NUM_DOCUMENTS for place in dropped)
    assert least <= len(dropped) / NUM_DOCUMENTS <= most


def test_many_changed_copies_of_few_documents_all_go(real_documents):
    few = real_documents[:40]
    copies = plant(few * 20, 0.05)
    dropped, signed = dropped_documents([*few, *copies])
    assert not any(place < len(few) for place in dropped)
    assert len(dropped) >= 0.99 * len(copies)
    assert dropped == dropped_by_datasketch(signed)


def test_of_a_chain_the_first_stays(real_documents):
    rng = random.Random(2)
    chain = real_documents[:1]
    for _ in range(20):
        chain.append(change_words(chain[-1], 0.03, rng, ["another", "word"]))
    dropped, signed = dropped_documents(chain)
    # Its ends have little in common, and yet the last one goes with the one before it.
    assert (signed[0] == signed[-1]).mean() < SETTINGS.threshold / 2
    assert dropped == set(range(1, len(chain)))
