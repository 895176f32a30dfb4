"""How likely given texts are in blanks."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.models.blank_filling import continuation_batch


class BlankScoring:
    """Part of a model that takes slots and has a `GLMCausalLMPreprocessor`: likelihoods of texts.

    All are probabilities of the whole vocabulary, whatever the sampler and its temperature.
    """

    def score(self, prompts, continuations, *, batch_size=16, with_end=True):
        """Computes how likely texts are in blanks.

        Args:
            prompts: list of str. Each with one blank, or to be continued if it has none.
            continuations: list of str, one for each prompt.
            batch_size: int. Texts that are computed at once. Default 16.
            with_end: bool. Whether nothing is to follow; if not, the blank may go on. Default True.

        Returns:
            float32 array `(len(prompts),)`: natural logarithms of the probabilities.

        Raises:
            ValueError: if an argument is out of its range, a prompt has several blanks, or a text
                has more tokens than the body has positions.

        Example:

        ```python
        labels = ["great", "terrible"]
        scores = model.score([f"{review} It was [MASK]." for _ in labels], labels)
        labels[scores.argmax()]
        ```

        References:
            GLM (https://arxiv.org/abs/2103.10360), section 2.3.
        """
        prompts, continuations = map(self.checked_preprocessor().strings, (prompts, continuations))
        if len(prompts) != len(continuations):
            raise ValueError(
                "`continuations` must have one for each prompt. Received: "
                f"{len(prompts)} prompts and {len(continuations)} continuations"
            )
        return self._log_probabilities(
            prompts, continuations, batch_size=batch_size, with_end=with_end
        )[0]

    def perplexity(self, texts, *, batch_size=4):
        """Computes the perplexity of texts that are written from nothing.

        Each text fills the blank of an otherwise empty text; its end is predicted too and counts as
        a token. A corpus has `exp(-sum(scores) / sum(tokens + 1))`, no mean of these.

        Args:
            texts: list of str.
            batch_size: int. Texts that are computed at once. Default 4.

        Returns:
            float64 array `(len(texts),)`, from 1.

        Raises:
            ValueError: if an argument is out of its range, or a text has more tokens than the body
                has positions.
        """
        texts = self.checked_preprocessor().strings(texts)
        sums, counts = self._log_probabilities(
            [""] * len(texts), texts, batch_size=batch_size, with_end=True
        )
        return np.exp(-sums.astype(np.float64) / counts)

    def _log_probabilities(self, prompts, continuations, *, batch_size, with_end):
        """Returns the logarithm of each continuation's probability, and how many tokens it has."""
        preprocessor = self.checked_preprocessor()
        roles = preprocessor.roles
        batch_size = positive_integer("batch_size", batch_size)
        longest = self.backbone.max_sequence_length
        texts = preprocessor.generate_preprocess(prompts, max_tokens=longest, name="prompts")
        for text, prompt in zip(texts, prompts, strict=True):
            if len(text.blank_positions) > 1:
                raise ValueError(
                    "`prompts` must have one blank each. Received: "
                    f"{prompt!r}, with {len(text.blank_positions)}"
                )
        # One position is for the token that starts the span.
        tokens = preprocessor.tokens_of(continuations, max_tokens=longest - 1, name="continuations")
        sums = np.zeros(len(prompts), np.float32)
        for begin in range(0, len(prompts), batch_size):
            rows = slice(begin, begin + batch_size)
            batch = continuation_batch(
                texts[rows],
                tokens[rows],
                start_token_id=roles.span_start_token_id,
                end_token_id=roles.span_end_token_id if with_end else None,
                pad_token_id=roles.pad_token_id,
            )
            sums[rows] = self.score_slots(*batch)
        return sums, np.array([len(row) + bool(with_end) for row in tokens])

    def score_slots(self, slots, target_ids, target_weights):
        """Computes how likely the targets of each row are, all together.

        Args:
            slots: dict of slots as `mpnet_tf.objectives.visibility` lists them.
            target_ids: int array or tensor `(batch_size, num_predictions)`.
            target_weights: float array or tensor of this shape; 0 where nothing is asked.

        Returns:
            float32 array `(batch_size,)`: natural logarithms of the probabilities.
        """
        return np.asarray(self._score_function(slots, target_ids, target_weights))

    @functools.cached_property
    def _score_function(self):
        if keras.config.backend() == "tensorflow":
            return tf.function(self._score_step, reduce_retracing=True)
        return self._score_step

    def _score_step(self, slots, target_ids, target_weights):
        losses = keras.losses.sparse_categorical_crossentropy(
            target_ids, self(slots, training=False), from_logits=True
        )
        return -ops.sum(losses * target_weights, axis=1)
