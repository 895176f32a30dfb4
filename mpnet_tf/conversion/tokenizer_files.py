"""A tokenizer of whatever kind from the files of another library."""

from mpnet_tf.conversion.byte_pair_files import has_byte_pairs, read_byte_pairs
from mpnet_tf.conversion.huggingface_tokenizer import has_tokenizer, read_tokenizer
from mpnet_tf.conversion.sentencepiece_files import find_model, read_sentencepiece


def read_tokenizer_files(directory):
    """Reads the tokenizer in a directory, if there is any.

    Args:
        directory: str.

    Returns:
        `TokenizerSettings` (WordPiece), `SentencePieceSettings`, `BytePairSettings`, or None.

    Raises:
        ValueError: if the files are damaged or at odds, or it does what no tokenizer here can.
    """
    if find_model(directory) is not None:
        return read_sentencepiece(directory)
    if has_byte_pairs(directory):
        return read_byte_pairs(directory)
    return read_tokenizer(directory) if has_tokenizer(directory) else None
