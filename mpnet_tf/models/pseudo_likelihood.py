"""How likely a masked language model finds texts."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mpnet_tf.models.argument_checks import checked_texts, positive_integer
from mpnet_tf.models.text_lengths import count_tokens, warn_of_long_texts
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor
from mpnet_tf.models.token_windows import packer_arguments


class PseudoLikelihood:
    """Part of a masked language model with a preprocessor: scores texts.

    Each token of a text is masked in a copy of its own and scored there. Special tokens are not
    scored, wherever they stand, except the one for unknown words, which stands for text. A text
    that is too long is cut at its end; a warning counts such texts.
    """

    def pseudo_log_likelihood(self, texts, *, batch_size=64, within_word_left_to_right=False):
        """Computes the pseudo-log-likelihoods of texts.

        Args:
            texts: list of str, or string tensor or array `(num_texts,)`.
            batch_size: int. Masked copies that the model takes at once. Default 64.
            within_word_left_to_right: bool. Whether the tokens behind a masked one that are of the
                same word are masked with it, so that a word of several tokens is not given away by
                its own end. Default False.

        Returns:
            float64 array `(num_texts,)`: the sum of the natural logarithms of the tokens'
            probabilities; 0 for a text without tokens.

        Raises:
            ValueError: if the model has no preprocessor, or an argument is out of its range.

        Example:

        ```python
        scores = masked_lm.pseudo_log_likelihood(["The cat sat.", "The cat sit."])
        ```

        References:
            [Masked Language Model Scoring](https://arxiv.org/abs/1910.14659), equation 1; words
            from left to right: [A Better Way to Do Masked Language Model Scoring](
            https://arxiv.org/abs/2305.10588), section 3.
        """
        return self._likelihoods(texts, batch_size, within_word_left_to_right)[0]

    def pseudo_perplexity(self, texts, *, batch_size=64, within_word_left_to_right=False):
        """Computes the pseudo-perplexity of a corpus.

        Args:
            texts, batch_size, within_word_left_to_right: what `pseudo_log_likelihood` takes.

        Returns:
            float, from 1: the exponential of the negative mean over all scored tokens.

        Raises:
            ValueError: if the model has no preprocessor, an argument is out of its range, or the
                texts have no token.

        References:
            [Masked Language Model Scoring](https://arxiv.org/abs/1910.14659), equation 2.
        """
        sums, counts = self._likelihoods(texts, batch_size, within_word_left_to_right)
        if not counts.sum():
            raise ValueError(
                f"`texts` must have a token to be scored. Received: {len(counts)} texts without any"
            )
        return float(np.exp(-sums.sum() / counts.sum()))

    def _likelihoods(self, texts, batch_size, within_word_left_to_right):
        """Returns the sum over the tokens of each text, and how many there are."""
        preprocessor = TransformerTextPreprocessor(**packer_arguments(self), pad_to="longest")
        texts = checked_texts("texts", texts)
        batch_size = positive_integer("batch_size", batch_size)
        if not texts:
            return np.zeros(0), np.zeros(0, np.int64)
        warn_of_long_texts(
            count_tokens(texts, preprocessor.tokenizer), preprocessor.text_room(False), "texts"
        )
        inputs = {name: np.asarray(values) for name, values in preprocessor(texts).items()}
        tokenizer = preprocessor.tokenizer
        # Each token is taken for a word, unless words count.
        begins = np.ones(inputs["token_ids"].shape, dtype=bool)
        if within_word_left_to_right:
            begins = ~np.asarray(tokenizer.continuation_flags)[inputs["token_ids"]]
        word_index = np.cumsum(begins, axis=1).astype(np.int32)
        lengths = inputs["padding_mask"].sum(axis=1)
        rows, places = np.nonzero(_is_scored(inputs, tokenizer))
        # Copies of texts of like length go together, with little padding.
        order = np.argsort(-lengths[rows], kind="stable")
        rows, places = rows[order], places[order].astype(np.int32)
        log_probabilities = np.zeros(len(rows))
        for begin in range(0, len(rows), batch_size):
            batch = slice(begin, begin + batch_size)
            width = lengths[rows[batch]].max()
            log_probabilities[batch] = self._masked_token_function(
                {name: values[rows[batch], :width] for name, values in inputs.items()},
                word_index[rows[batch], :width],
                places[batch, np.newaxis],
                np.int32(tokenizer.mask_token_id),
            )
        sums = np.bincount(rows, weights=log_probabilities, minlength=len(texts))
        return sums, np.bincount(rows, minlength=len(texts))

    @functools.cached_property
    def _masked_token_function(self):
        if keras.config.backend() != "tensorflow":
            return self._masked_token_step
        rows = tf.TensorSpec((None, None), tf.int32)
        inputs = dict.fromkeys(self.backbone.input, rows)
        places = tf.TensorSpec((None, 1), tf.int32)
        return tf.function(
            self._masked_token_step,
            input_signature=[inputs, rows, places, tf.TensorSpec((), tf.int32)],
        )

    def _masked_token_step(self, inputs, word_index, places, mask_token_id):
        """Masks a token of each row, with those behind it of the same word, and scores it."""
        inputs = {name: ops.convert_to_tensor(values) for name, values in inputs.items()}
        token_ids, places = inputs["token_ids"], ops.convert_to_tensor(places)
        own_word = ops.take_along_axis(word_index, places, axis=1)
        is_behind = ops.arange(ops.shape(token_ids)[1]) >= places
        is_hidden = ops.logical_and(ops.equal(word_index, own_word), is_behind)
        masked = ops.where(is_hidden, mask_token_id, token_ids)
        logits = self({**inputs, "token_ids": masked, "mask_positions": places}, training=False)
        log_probabilities = ops.log_softmax(logits[:, 0], axis=-1)
        targets = ops.take_along_axis(token_ids, places, axis=1)
        return ops.take_along_axis(log_probabilities, targets, axis=1)[:, 0]


def _is_scored(inputs, tokenizer):
    """Returns a bool array `(num_texts, sequence_length)`."""
    special = [index for index in tokenizer.special_token_ids if index != tokenizer.unk_token_id]
    return inputs["padding_mask"].astype(bool) & ~np.isin(inputs["token_ids"], special)
