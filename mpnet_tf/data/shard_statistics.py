"""What a directory of token shards holds, counted one shard at a time.

Never more than one shard's index and a piece of its tokens are in memory.
"""

import dataclasses

import numpy as np

from mpnet_tf.data.length_counts import LengthCounts
from mpnet_tf.data.manifest import SplitRecord
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.data.vocabulary import UNKNOWN_TOKENS
from mpnet_tf.data.vocabulary_use import VocabularyUse, vocabulary_use

NUM_MOST_FREQUENT = 10
SAMPLE_CHARACTERS = 200
# A character takes four tokens at most, where a token is a byte.
_TOKENS_PER_SAMPLE = 4 * SAMPLE_CHARACTERS


@dataclasses.dataclass(frozen=True)
class SplitStatistics:
    """What one split holds.

    Args:
        record: `SplitRecord` of the manifest.
        lengths: `LengthCounts`.
        token_counts: int64 array `(vocabulary_size,)`. How often each token occurs.
        vocabulary: `VocabularyUse`, or None for a split without a document.
    """

    record: SplitRecord
    lengths: LengthCounts
    token_counts: np.ndarray
    vocabulary: VocabularyUse | None


@dataclasses.dataclass(frozen=True)
class SampleDocument:
    """A document that was drawn.

    Args:
        split: str.
        document: int from 0. Its number in the split.
        num_tokens: int. Its length.
        text: str. Its beginning as the tokenizer decodes it.
    """

    split: str
    document: int
    num_tokens: int
    text: str


def shard_statistics(
    directory,
    manifest,
    tokenizer,
    *,
    splits=(),
    num_samples=0,
    seed=0,
    verify_checksums=True,
    advance=None,
):
    """Counts what shards hold, reading all of them once, or twice to verify their checksums.

    Args:
        directory: str. A directory that `mpnet-prepare` wrote.
        manifest: `Manifest` of the directory.
        tokenizer: the tokenizer that made the shards.
        splits: iterable of str. Splits to look at; none for all, the largest first.
        num_samples: int. Documents to draw from them; fewer where they have no more.
        seed: int from 0. Draws the documents.
        verify_checksums: bool. Whether every file's SHA-256 must be the manifest's.
        advance: callable, given the number of bytes after each shard, or None.

    Returns:
        A dict from split's name to `SplitStatistics`, and a list of `SampleDocument`.

    Raises:
        ValueError: if there is no such split, or a file is missing or damaged.
        OSError: if a file cannot be read.
    """
    for split in splits:
        if split not in manifest.splits:
            raise ValueError(
                f"`split` must be one of {', '.join(sorted(manifest.splits))} in {directory}. "
                f"Received: split={split!r}"
            )
    splits = list(splits) or sorted(
        manifest.splits, key=lambda split: manifest.splits[split].num_tokens, reverse=True
    )
    wanted = _drawn_documents(manifest, splits, num_samples, seed)
    found, samples = {}, []
    for split in splits:
        found[split] = _split_statistics(
            directory,
            manifest,
            split,
            tokenizer,
            wanted=wanted[split],
            samples=samples,
            verify_checksums=verify_checksums,
            advance=advance or (lambda size_bytes: None),
        )
    return found, samples


def _drawn_documents(manifest, splits, num_samples, seed):
    """Draws documents of all splits together; returns for each split their rising numbers."""
    sizes = [manifest.splits[split].num_documents for split in splits]
    ends = np.cumsum(sizes)
    num_drawn = min(num_samples, int(ends[-1]))
    # Without replacement; the memory it takes depends on the number drawn alone.
    drawn = np.random.default_rng(seed).choice(int(ends[-1]), num_drawn, replace=False)
    return {
        split: np.sort(drawn[(drawn >= end - size) & (drawn < end)]) - (end - size)
        for split, size, end in zip(splits, sizes, ends, strict=True)
    }


def _split_statistics(
    directory, manifest, split, tokenizer, *, wanted, samples, verify_checksums, advance
):
    """Counts one split; what is `wanted` of its documents is added to `samples`."""
    lengths = LengthCounts([], [])
    token_counts = np.zeros(manifest.vocabulary_size, np.int64)
    first_document = 0
    for record in manifest.splits[split].shards:
        shard = TokenShards.open_shard(
            directory,
            record,
            vocabulary_size=manifest.vocabulary_size,
            verify_checksums=verify_checksums,
        )
        lengths = lengths.plus(LengthCounts.of(shard.document_lengths))
        token_counts += shard.token_counts()
        end = first_document + shard.num_documents
        for document in wanted[(wanted >= first_document) & (wanted < end)].tolist():
            samples.append(
                _sample(shard, document - first_document, tokenizer, split=split, number=document)
            )
        first_document = end
        advance(record.tokens.size_bytes + record.documents.size_bytes)
    use = None
    if lengths.num_documents:
        use = vocabulary_use(
            token_counts, unknown_ids=_unknown_ids(tokenizer), num_most_frequent=NUM_MOST_FREQUENT
        )
    return SplitStatistics(manifest.splits[split], lengths, token_counts, use)


def _sample(shard, document, tokenizer, *, split, number):
    num_tokens = int(shard.document_lengths[document])
    token_ids = shard.read([document], [0], [min(num_tokens, _TOKENS_PER_SAMPLE)])
    # What a cut at the end leaves of a character lies beyond the characters that are shown.
    text = tokenizer.detokenize(token_ids).numpy().decode("utf-8", "replace")
    return SampleDocument(split, number, num_tokens, text[:SAMPLE_CHARACTERS])


def _unknown_ids(tokenizer):
    """Lists the tokens that text becomes which the vocabulary has no token for."""
    # SentencePiece's own differs from the one that GLM's roles name, which is text.
    names = {tokenizer.unk_token, *UNKNOWN_TOKENS}.intersection(tokenizer.special_tokens)
    return [tokenizer.token_to_id(name) for name in names]
