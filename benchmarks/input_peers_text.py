"""Text and vocabulary in the forms that annotated-mpnet and transformers read."""

import glob
import os

_SPECIALS = ["<s>", "<pad>", "</s>", "[UNK]"]


def file_patterns(patterns):
    """Lists the files that globs stand for, sorted."""
    return sorted(path for pattern in patterns for path in glob.glob(pattern))


def mpnet_vocabulary(path):
    """Reads a vocabulary and gives it the special tokens of MPNet, at MPNet's places.

    Args:
        path: str. A token a line.

    Returns:
        list of str.
    """
    with open(path, encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    words = [word for word in words if word not in (*_SPECIALS, "<mask>")]
    return [*_SPECIALS, *words, "<mask>"]


def peer_tokenizer(vocabulary, sequence_length):
    """Makes transformers' MPNet tokenizer, or None where transformers is not installed."""
    try:
        import transformers
    except ImportError:
        return None
    transformers.logging.set_verbosity_error()
    return transformers.MPNetTokenizer(
        vocab={token: index for index, token in enumerate(vocabulary)},
        model_max_length=sequence_length,
    )


def full_lines(paths, tokenizer, sequence_length, folder):
    """Writes each document as lines of just as many tokens as a row holds.

    Args:
        paths: list of str. Files whose documents are parted by empty lines.
        tokenizer: a fast tokenizer of transformers.
        sequence_length: int. Tokens in a row, with `<s>` and `</s>`.
        folder: str. Where to write.

    Returns:
        list of str. The path of one file.
    """
    num_tokens = sequence_length - 2
    target = os.path.join(folder, f"full_lines_{sequence_length}.txt")
    with open(target, "w", encoding="utf-8") as file:
        for path in paths:
            with open(path, encoding="utf-8") as source:
                documents = source.read().split("\n\n")
            for document in documents:
                text = " ".join(document.split())
                encoded = tokenizer(
                    text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
                )
                offsets = encoded["offset_mapping"]
                for first in range(0, len(offsets), num_tokens):
                    begin = offsets[first][0]
                    end = offsets[min(first + num_tokens, len(offsets)) - 1][1]
                    print(text[begin:end], file=file)
    return [target]
