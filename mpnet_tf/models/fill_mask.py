"""Guesses for the blanks of raw sentences."""

import dataclasses

import numpy as np
import tensorflow as tf

from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor


@dataclasses.dataclass(frozen=True)
class Guess:
    """One guess for a blank.

    Args:
        token: str. As the vocabulary writes it (`##ing` continues a word).
        score: float in [0, 1]. Its probability.
    """

    token: str
    score: float


class FillMask:
    """Guesses the tokens that stand behind `<mask>` in sentences.

    Everything is TensorFlow ops that stock TensorFlow Serving has linked, so that a call in Python
    and the exported model are one computation. A text that is too long is cut at its end, and
    blanks beyond the cut are not counted.

    Args:
        masked_lm: `mpnet_tf.models.TransformerMaskedLM`, on any body.
        tokenizer: tokenizer with the model's vocabulary.
        top_k: int, from 1 to the number of tokens that stand for text. Guesses for each blank.
        sequence_length: int or None. Most tokens of a text, special ones included; None means as
            many as the model has positions for. Default None.
        network: callable that does what `masked_lm` does when it is called, or None for the model
            itself. Default None.

    Call arguments:
        text: list of str, or string tensor `(batch_size,)`. UTF-8 with any number of `<mask>`.

    Returns:
        A dict of tensors, where `max_blanks` is the largest number of blanks in a text and what
        lies beyond a text's own is "" and 0:

        - `tokens`: string `(batch_size, max_blanks, top_k)`, likeliest first, as the vocabulary
          writes them (`##ing` continues a word); never a special token.
        - `scores`: float32 of the same shape. Probabilities within the whole vocabulary.
        - `num_blanks`: int32 `(batch_size,)`.

    Raises:
        ValueError: if the tokenizer has tokens that the model lacks, or a number is out of its
            range.

    Example:

    ```python
    fill_mask = FillMask(masked_lm, tokenizer, top_k=3)
    fill_mask(["The capital of France is <mask>."])["tokens"]
    ```
    """

    def __init__(self, masked_lm, tokenizer, *, top_k=5, sequence_length=None, network=None):
        backbone = masked_lm.backbone
        # A text is a single sentence, or the first of a pair, to a body that tells them apart.
        self.preprocessor = TransformerTextPreprocessor(
            tokenizer,
            backbone.max_sequence_length if sequence_length is None else sequence_length,
            has_segment_ids=bool(backbone.num_segments),
            pad_to="longest",
        )
        self.preprocessor.check_fits(backbone)
        # Ids that no token has come last as well.
        self._is_no_guess = np.ones(backbone.vocabulary_size, dtype=bool)
        self._is_no_guess[: tokenizer.vocabulary_size()] = False
        self._is_no_guess[list(tokenizer.special_token_ids)] = True
        self.most_guesses = int((~self._is_no_guess).sum())
        if not 1 <= top_k <= self.most_guesses:
            raise ValueError(
                f"`top_k` must be from 1 to {self.most_guesses}, the vocabulary without its "
                f"special tokens. Received: top_k={top_k}"
            )
        self.network = masked_lm if network is None else network
        self.tokenizer = tokenizer
        self.top_k = top_k
        self._vocabulary = tokenizer.get_vocabulary()

    @property
    def max_sequence_length(self):
        """int. Most tokens of a text, special ones included."""
        return self.preprocessor.sequence_length

    def __call__(self, text):
        return self.answer(self.preprocessor(text))

    def answer(self, inputs, top_k=None):
        """Returns what a call on texts does, for what `preprocessor` made of them.

        Args:
            inputs: dict of int32 tensors `(batch_size, sequence_length)`: what the body takes.
            top_k: int32 tensor `(batch_size,)`, guesses for each blank of each text, or None for
                as many as the class says for all.

        Returns:
            A dict of tensors as a call does, with the largest of `top_k`.
        """
        if top_k is None:
            guesses = self.guess(inputs)
            is_wanted = True
        else:
            top_k = tf.clip_by_value(top_k, 1, self.most_guesses)
            # Of no texts at all the largest is the least of all numbers.
            guesses = self.guess(inputs, tf.maximum(tf.reduce_max(top_k), 1))
            number = tf.range(tf.shape(guesses["scores"])[2])
            is_wanted = number < top_k[:, tf.newaxis, tf.newaxis]
        # (batch_size, max_blanks, top_k or 1)
        is_guess = guesses["is_blank"][:, :, tf.newaxis] & is_wanted
        tokens = tf.gather(tf.constant(self._vocabulary), guesses["token_ids"])
        return {
            "tokens": tf.where(is_guess, tokens, ""),
            "scores": tf.where(is_guess, guesses["scores"], 0.0),
            "num_blanks": tf.reduce_sum(tf.cast(guesses["is_blank"], tf.int32), axis=1),
        }

    def guess(self, inputs, top_k=None):
        """Guesses the tokens behind the masks of rows.

        Args:
            inputs: dict of int32 tensors `(batch_size, sequence_length)`: what the body takes.
            top_k: int32 scalar, or None for as many guesses as the class says.

        Returns:
            A dict of tensors: int32 `mask_positions` and bool `is_blank`, `(batch_size,
            max_blanks)`, from left to right; int32 `token_ids` and float32 `scores`,
            `(batch_size, max_blanks, top_k)`, likeliest first.
        """
        mask_positions, is_blank = self._mask_positions(inputs["token_ids"])
        # Keras cannot gather no places from no rows: one is asked for there, and left out again.
        has_no_rows = tf.cast(tf.equal(tf.shape(mask_positions)[0], 0), tf.int32)
        gathered = tf.pad(mask_positions, [[0, 0], [0, has_no_rows]])
        logits = self.network({**inputs, "mask_positions": gathered}, training=False)
        logits = logits[:, : tf.shape(mask_positions)[1]]
        # Below every probability, so that no guess comes before one even where all others are 0.
        candidates = tf.where(tf.constant(self._is_no_guess), -1.0, tf.nn.softmax(logits))
        scores, token_ids = tf.math.top_k(candidates, k=self.top_k if top_k is None else top_k)
        return {
            "mask_positions": mask_positions,
            "is_blank": is_blank,
            "token_ids": token_ids,
            "scores": scores,
        }

    def _mask_positions(self, token_ids):
        """Lists the blanks: int32 and bool tensors `(batch_size, max_blanks)`."""
        places = tf.where(tf.equal(token_ids, self.tokenizer.mask_token_id))
        positions = tf.RaggedTensor.from_value_rowids(
            tf.cast(places[:, 1], tf.int32),
            places[:, 0],
            nrows=tf.shape(token_ids, out_type=tf.int64)[0],
            validate=False,
        )
        return positions.to_tensor(), tf.cast(tf.ones_like(positions).to_tensor(), tf.bool)


def guesses_of(answers):
    """Returns what a `FillMask` answers as Python objects.

    Args:
        answers: dict of tensors, as a call of `FillMask` returns them.

    Returns:
        List with, for each text, a tuple with, for each blank, a tuple of `Guess`, the likeliest
        first.
    """
    tokens, scores = answers["tokens"].numpy(), answers["scores"].numpy().tolist()
    return [
        tuple(
            tuple(
                Guess(token.decode("utf-8"), score)
                for token, score in zip(tokens[row, blank], scores[row][blank], strict=True)
            )
            for blank in range(num_blanks)
        )
        for row, num_blanks in enumerate(answers["num_blanks"].numpy())
    ]
