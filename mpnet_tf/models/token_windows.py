"""Windows over texts that are too long for a row, and the rows that hold them."""

import tensorflow as tf

# Rows are shortened to multiples of this, so that XLA compiles a model for few lengths.
_LENGTH_STEP = 64


def window_spans(lengths, room, stride, max_windows=None):
    """Cuts texts into windows that overlap, as few as cover them.

    Every window but a text's last is full, and each begins `room - stride` tokens after the one
    before. A text without tokens has one window. These are the windows of Hugging Face's
    tokenizers with `return_overflowing_tokens=True`.

    Args:
        lengths: int32 tensor `(batch_size,)`. Tokens of each text.
        room: int32 tensor `(batch_size,)`. Most tokens in a window; more than `stride`.
        stride: int. Tokens that a window shares with the next.
        max_windows: int or None. Most windows over a text, whose end is left out beyond; None for
            no such limit. Default None.

    Returns:
        Three int32 tensors `(num_windows,)`: the text of each window, counted from 0, its first
        token in this text, and its length in tokens. The windows of a text stand together.
    """
    step = room - stride
    # Rounded up.
    further = (tf.maximum(lengths - room, 0) + step - 1) // step
    counts = further + 1
    if max_windows is not None:
        counts = tf.minimum(counts, max_windows)
    text_index = tf.repeat(tf.range(tf.size(lengths)), counts)
    numbers = tf.range(tf.size(text_index)) - tf.gather(
        tf.cumsum(counts, exclusive=True), text_index
    )
    starts = numbers * tf.gather(step, text_index)
    sizes = tf.minimum(tf.gather(room, text_index), tf.gather(lengths, text_index) - starts)
    return text_index, starts, sizes


def put_windows(rows, ragged, spans, places):
    """Writes a stretch of a text into each of some rows.

    Args:
        rows: int32 tensor `(num_windows, sequence_length)`.
        ragged: int32 ragged tensor `(batch_size, None)`. A value for each token of the texts.
        spans: what `window_spans` returns.
        places: int32 tensor `(num_windows,)`. Where in its row each window begins.

    Returns:
        int32 tensor `(num_windows, sequence_length)`.
    """
    text_index, starts, sizes = spans
    offsets = tf.range(tf.shape(rows)[1])[tf.newaxis] - places[:, tf.newaxis]
    is_written = (offsets >= 0) & (offsets < sizes[:, tf.newaxis])
    # One value more, so that there is something to look at where all texts are empty.
    values = tf.concat([ragged.values, [0]], axis=0)
    firsts = tf.gather(tf.cast(ragged.row_starts(), tf.int32), text_index) + starts
    sources = tf.where(is_written, firsts[:, tf.newaxis] + offsets, 0)
    return tf.where(is_written, tf.gather(values, sources), rows)


def special_rows(tokenizer, num_tokens, sequence_length):
    """Makes rows of a start token, end tokens, and padding, for texts to be put into.

    Args:
        tokenizer: `TransformerTokenizer`.
        num_tokens: int32 tensor `(num_windows,)`. Tokens of each row, special ones included.
        sequence_length: int. Length of a row.

    Returns:
        Two int32 tensors `(num_windows, sequence_length)`: token ids, and 1 for tokens and 0 for
        padding.
    """
    positions = tf.range(sequence_length)[tf.newaxis]
    is_token = positions < num_tokens[:, tf.newaxis]
    token_ids = tf.where(is_token, tokenizer.end_token_id, tokenizer.pad_token_id)
    token_ids = tf.where(positions == 0, tokenizer.start_token_id, token_ids)
    return token_ids, tf.cast(is_token, tf.int32)


def row_lengths(ragged):
    """Returns how many tokens each row of a ragged tensor has, int32 of shape `(batch_size,)`."""
    return tf.cast(ragged.row_lengths(), tf.int32)


def packer_arguments(model):
    """Returns what the packers of windows take from a model's preprocessor.

    Args:
        model: a task whose preprocessor is a `TransformerTextPreprocessor`.

    Returns:
        dict with `tokenizer`, `sequence_length` and `has_segment_ids`.

    Raises:
        ValueError: if there is no preprocessor, or it does not fit the body.
    """
    preprocessor = model.preprocessor
    if preprocessor is None:
        raise ValueError(
            "`preprocessor` of the model must be set for raw text. Received: preprocessor=None. "
            f"Set it to a `{model.preprocessor_cls.__name__}` with the model's tokenizer."
        )
    preprocessor.check_fits(model.backbone)
    return {
        "tokenizer": preprocessor.tokenizer,
        "sequence_length": preprocessor.sequence_length,
        "has_segment_ids": preprocessor.has_segment_ids,
    }


def shorten_rows(inputs, places):
    """Takes off columns that are padding in every row, in eager calls.

    Args:
        inputs, places: dicts of tensors, what `QuestionWindows` and `WordPacker` return.

    Returns:
        The two dicts, with rows as long as the longest or a little longer.
    """
    longest = int(tf.reduce_max(tf.reduce_sum(inputs["padding_mask"], axis=1)))
    length = -(-longest // _LENGTH_STEP) * _LENGTH_STEP
    return tuple(
        {
            name: values[:, :length] if values.shape.rank == 2 else values
            for name, values in tensors.items()
        }
        for tensors in (inputs, places)
    )
