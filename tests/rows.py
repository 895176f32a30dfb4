"""Rows of text, vocabularies and references that several test modules use."""

import numpy as np

from mpnet_tf.objectives import TokenRoles

START, PAD, END, UNKNOWN = 0, 1, 2, 3
# Only where asked for.
SPAN_START, SPAN_END, DOCUMENT_MASK, SENTENCE_MASK, FULL_STOP = 4, 5, 6, 7, 8


def token_roles(vocabulary_size=100, num_continuations=30, *, with_blanks=False):
    """A vocabulary: four specials first, then words, then continuations, the mask last.

    With blanks, the tokens of blank infilling and a full stop come behind the four specials.
    """
    is_special = np.zeros(vocabulary_size, bool)
    is_special[[START, PAD, END, UNKNOWN, vocabulary_size - 1]] = True
    is_continuation = np.zeros(vocabulary_size, bool)
    is_continuation[vocabulary_size - 1 - num_continuations : vocabulary_size - 1] = True
    blanks = {}
    if with_blanks:
        is_special[[SPAN_START, SPAN_END, DOCUMENT_MASK, SENTENCE_MASK]] = True
        blanks = {
            "is_sentence_end": np.arange(vocabulary_size) == FULL_STOP,
            "span_start_token_id": SPAN_START,
            "span_end_token_id": SPAN_END,
            "document_mask_token_id": DOCUMENT_MASK,
            "sentence_mask_token_id": SENTENCE_MASK,
        }
    return TokenRoles(
        pad_token_id=PAD,
        mask_token_id=vocabulary_size - 1,
        is_special=is_special,
        is_continuation=is_continuation,
        **blanks,
    )


def pack_rows(rows, sequence_length):
    """Packs documents (lists of token ids without specials) into the features of rows."""
    shape = (len(rows), sequence_length)
    features = {
        "token_ids": np.full(shape, PAD, np.int32),
        "position_ids": np.zeros(shape, np.int32),
        "segment_ids": np.zeros(shape, np.int32),
    }
    for row, documents in enumerate(rows):
        place = 0
        for segment, document in enumerate(documents, start=1):
            tokens = [START, *document, END]
            span = slice(place, place + len(tokens))
            features["token_ids"][row, span] = tokens
            features["position_ids"][row, span] = np.arange(len(tokens))
            features["segment_ids"][row, span] = segment
            place += len(tokens)
        assert place <= sequence_length
    return features


def random_documents(generator, sequence_length, *, roles, shortest=4):
    """Draws documents of uneven lengths that fill one row, more or less."""
    text_ids = roles.text_token_ids
    documents, free = [], sequence_length - int(generator.integers(0, sequence_length // 4))
    while free >= shortest + 2:
        length = int(generator.integers(shortest, free - 1))
        documents.append(generator.choice(text_ids, length).tolist())
        free -= length + 2
    return documents
