"""The filling of masks in raw text."""

import dataclasses

import numpy as np
import tensorflow as tf

from mpnet_tf.models.argument_checks import checked_texts, positive_integer
from mpnet_tf.models.fill_mask import FillMask, Guess, guesses_of
from mpnet_tf.models.filled_text import fill_pieces
from mpnet_tf.models.text_lengths import count_tokens, warn_of_long_texts
from mpnet_tf.models.token_windows import packer_arguments

_ORDERS = ("most_certain", "left_to_right")


@dataclasses.dataclass(frozen=True)
class JointlyFilledText:
    """A text whose masks were filled one after another.

    Args:
        text: str. The text with a token in the place of each mask.
        guesses: tuple of `Guess`, for each mask from left to right. Its score is the token's
            probability when it was chosen, beside those chosen before.
    """

    text: str
    guesses: tuple


class MaskFilling:
    """Part of a masked language model with a preprocessor: fills masks in raw text.

    A text that is too long is cut at its end and what is beyond stays as it is; a warning counts
    such texts. Special tokens are never guessed.
    """

    def fill_mask(self, texts, top_k=5, *, batch_size=32):
        """Guesses the token behind each mask of texts, as if it were the only one to guess.

        Args:
            texts: str, list of str, or string tensor or array, with any number of mask tokens.
            top_k: int, from 1 to the number of tokens that stand for text. Guesses for each mask.
                Default 5.
            batch_size: int. Texts that the model takes at once. Default 32.

        Returns:
            List with, for each text, a tuple with, for each mask, a tuple of `Guess`, the likeliest
            first: `token` and `score`, its probability within the whole vocabulary. For a single
            text its tuple alone.

        Raises:
            ValueError: if the model has no preprocessor, or an argument is out of its range.

        Example:

        ```python
        masked_lm.fill_mask("The capital of France is <mask>.", top_k=1)[0][0].token
        ```
        """
        strings, fill_mask = self._texts_and_fill_mask(texts, top_k)
        answers = [
            guesses
            for batch in _batches(fill_mask, strings, batch_size)
            for guesses in guesses_of(fill_mask.answer(batch))
        ]
        return answers[0] if _is_single(texts) else answers

    def fill(self, texts, *, order="most_certain", batch_size=32):
        """Fills the masks of texts one after another, each with regard to those filled before.

        Args:
            texts: what `fill_mask` takes.
            order: "most_certain" fills the mask with the likeliest first guess next;
                "left_to_right" the first. Default "most_certain".
            batch_size: int. Texts that the model takes at once. Default 32.

        Returns:
            List of `JointlyFilledText`; for a single text this alone.

        Raises:
            ValueError: if the model has no preprocessor, an argument is out of its range, or the
                tokenizer does not find a mask token of a text.

        References:
            [Mask-Predict](https://arxiv.org/abs/1904.09324), section 3, for masks filled by the
            model's certainty.
        """
        if order not in _ORDERS:
            raise ValueError(f"`order` must be one of {', '.join(_ORDERS)}. Received: {order=}")
        strings, fill_mask = self._texts_and_fill_mask(texts, 1)
        token_ids, scores = [], []
        for batch in _batches(fill_mask, strings, batch_size):
            is_blank = np.asarray(batch["token_ids"]) == fill_mask.tokenizer.mask_token_id
            batch_ids, batch_scores = _fill_one_by_one(fill_mask, batch, order)
            for index, places in enumerate(is_blank):
                token_ids.append(batch_ids[index, places])
                scores.append(batch_scores[index, places])
        filled = _filled_texts(fill_mask.preprocessor, strings, token_ids, scores)
        return filled[0] if _is_single(texts) else filled

    def _texts_and_fill_mask(self, texts, top_k):
        arguments = packer_arguments(self)
        fill_mask = FillMask(
            self,
            arguments["tokenizer"],
            top_k=top_k,
            sequence_length=arguments["sequence_length"],
        )
        strings = checked_texts("texts", texts)
        preprocessor = fill_mask.preprocessor
        lengths = count_tokens(strings, preprocessor.tokenizer)
        warn_of_long_texts(lengths, preprocessor.text_room(False), "texts")
        return strings, fill_mask


def _is_single(texts):
    return isinstance(texts, (str, bytes)) or np.ndim(texts) == 0


def _batches(fill_mask, strings, batch_size):
    """Gives what the model takes of texts, some at once."""
    batch_size = positive_integer("batch_size", batch_size)
    for begin in range(0, len(strings), batch_size):
        yield fill_mask.preprocessor(strings[begin : begin + batch_size])


def _fill_one_by_one(fill_mask, inputs, order):
    """Returns NumPy arrays `(batch_size, sequence_length)`: filled token ids, and their scores."""
    inputs = {name: np.array(values) for name, values in inputs.items()}
    token_ids = inputs["token_ids"]
    scores = np.zeros(token_ids.shape)
    mask_token_id = fill_mask.tokenizer.mask_token_id
    while True:
        # Texts that are done need not be computed again.
        rows = np.flatnonzero((token_ids == mask_token_id).any(axis=1))
        if not rows.size:
            return token_ids, scores
        guesses = fill_mask.guess(
            {name: tf.constant(values[rows]) for name, values in inputs.items()}
        )
        guesses = {name: values.numpy() for name, values in guesses.items()}
        chosen = np.zeros(len(rows), np.int64)
        if order == "most_certain":
            certainties = np.where(guesses["is_blank"], guesses["scores"][:, :, 0], -1.0)
            chosen = certainties.argmax(axis=1)
        own = np.arange(len(rows)), chosen
        places = rows, guesses["mask_positions"][own]
        token_ids[places] = guesses["token_ids"][own][:, 0]
        scores[places] = guesses["scores"][own][:, 0]


def _filled_texts(preprocessor, texts, token_ids, scores):
    tokenizer = preprocessor.tokenizer
    lengths = [len(row) for row in token_ids]
    flat = np.concatenate([np.zeros(0, np.int32), *token_ids]).astype(np.int32)
    parts = tokenizer.detokenize(tf.RaggedTensor.from_uniform_row_length(flat, 1)).numpy()
    parts = [part.decode("utf-8") for part in parts]
    continues = np.asarray(tokenizer.continuation_flags)[flat].tolist()
    guesses = [
        Guess(tokenizer.id_to_token(token_id), score)
        for token_id, score in zip(
            flat.tolist(), np.concatenate([[], *scores]).tolist(), strict=True
        )
    ]
    filled, begin = [], 0
    for text, length in zip(texts, lengths, strict=True):
        own = slice(begin, begin + length)
        pieces = _pieces(preprocessor, text, num_found=length)
        joined = fill_pieces(pieces, parts[own], continues=continues[own])
        filled.append(JointlyFilledText(joined, tuple(guesses[own])))
        begin += length
    return filled


def _pieces(preprocessor, text, *, num_found):
    """Splits a text at the masks that the tokenizer found; those beyond a cut stay in it."""
    mask_token = preprocessor.tokenizer.mask_token
    num_masks = text.count(mask_token)
    num_tokens = count_tokens([text], preprocessor.tokenizer)[0]
    if num_found != num_masks and num_tokens <= preprocessor.text_room(False):
        raise ValueError(
            "`texts` must have each mask token apart from other text, so that the tokenizer finds "
            f"it. Received: {text!r}, with {num_masks} mask tokens of which it finds {num_found}"
        )
    return text.split(mask_token, num_found)
