"""The layout of a token shard, shared by writer and reader.

Shard `i` of `n` of a split is two files:

    train-0000i-of-0000n.tokens     token ids of its documents end to end, little-endian
    train-0000i-of-0000n.documents  uint64 little-endian: where each document starts in the
                                    tokens, and last the number of tokens
"""

import numpy as np

OFFSET_DTYPE = np.dtype("<u8")


def token_dtype(vocabulary_size):
    """Returns the dtype that shards of a vocabulary use.

    Args:
        vocabulary_size: int, 1 to 2**31.

    Returns:
        `np.dtype`: little-endian uint16 where every id fits, else uint32.

    Raises:
        ValueError: if some token id of such a vocabulary does not fit int32, which batches use.
    """
    if not 1 <= vocabulary_size <= 2**31:
        raise ValueError(
            "`vocabulary_size` must be from 1 to 2**31. "
            f"Received: vocabulary_size={vocabulary_size}"
        )
    return np.dtype("<u2") if vocabulary_size <= 2**16 else np.dtype("<u4")


def shard_file_names(split, shard, *, num_shards):
    """Returns the names of the tokens file and the documents file of one shard."""
    stem = f"{split}-{shard:05d}-of-{num_shards:05d}"
    return f"{stem}.tokens", f"{stem}.documents"
