"""Raw text written by a model that fills blanks."""

import numpy as np
import tensorflow as tf

from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE
from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.models.blank_filling import fill_blanks

# Tokens in a blank, unless asked for otherwise.
_DEFAULT_NEW_TOKENS = 128


class BlankWriting:
    """Part of a keras_hub `CausalLM` with a `GLMCausalLMPreprocessor`: continues and fills texts.

    `CachedBlankDecoding` fills one blank of each text at a time.
    """

    def generate(
        self,
        inputs,
        max_length=None,
        stop_token_ids="auto",
        strip_prompt=False,
        max_new_tokens=None,
    ):
        """Continues texts, or fills their blanks.

        Args:
            inputs: str, list of str, string tensor, or `tf.data.Dataset` of batches of such.
            max_length: int or None. Most tokens of a text with its blanks filled, special tokens
                included; None for no such limit.
            stop_token_ids: "auto", sequence of int, or None. What ends a blank: "auto" is
                `<|endofpiece|>`; with None each blank gets as many tokens as it may.
            strip_prompt: bool. Whether to return what was generated alone; of several blanks of a
                text, with a space between them. Default False.
            max_new_tokens: int or None. Most tokens in a blank. None means 128, or what the body
                has positions for.

        Returns:
            str for a single text, else list of str. The text itself stays as it was written.

        Raises:
            ValueError: if an argument is out of its range, a text has more tokens than the body
                positions, or there is no preprocessor.
        """
        filled = self.fill(
            inputs,
            max_length=max_length,
            stop_token_ids=stop_token_ids,
            max_new_tokens=max_new_tokens,
        )

        def text_of(filled_text):
            return " ".join(filled_text.parts) if strip_prompt else filled_text.text

        return list(map(text_of, filled)) if isinstance(filled, list) else text_of(filled)

    def fill(self, inputs, max_length=None, stop_token_ids="auto", max_new_tokens=None):
        """Fills the blanks of texts, from left to right.

        Arguments and exceptions are those of `generate`.

        Returns:
            `FilledText` for a single text, else a list of them.
        """
        if isinstance(inputs, tf.data.Dataset):
            settings = {
                "max_length": max_length,
                "stop_token_ids": stop_token_ids,
                "max_new_tokens": max_new_tokens,
            }
            batches = inputs.as_numpy_iterator()
            return [text for batch in batches for text in self.fill(batch, **settings)]
        preprocessor = self.checked_preprocessor()
        texts = preprocessor.strings(inputs)
        longest = self.backbone.max_sequence_length
        blanked = preprocessor.generate_preprocess(texts, max_tokens=longest, name="inputs")
        results = self.fill_blanked(
            blanked,
            max_length=max_length,
            stop_token_ids=stop_token_ids,
            max_new_tokens=max_new_tokens,
        )
        is_single = isinstance(inputs, (str, bytes)) or np.ndim(inputs) == 0
        return results[0] if is_single else results

    def fill_blanked(self, texts, *, max_length=None, stop_token_ids="auto", max_new_tokens=None):
        """Fills the blanks of texts that are tokens already.

        Args:
            texts: list of `BlankedText`, none with more tokens than the body has positions.
            max_length, stop_token_ids, max_new_tokens: as of `generate`.

        Returns:
            List of `FilledText`.

        Raises:
            ValueError: if an argument is out of its range, or there is no preprocessor.
        """
        preprocessor = self.checked_preprocessor()
        max_new_tokens = self._checked_new_tokens(max_new_tokens)
        if max_length is not None:
            max_length = positive_integer("max_length", max_length)
        if not texts:
            return []
        stop_token_ids = self._stop_token_ids(stop_token_ids)
        logit_bias = self._logit_bias(stop_token_ids)
        generate_function = self.make_generate_function()

        def generate(batch):
            return generate_function(
                {**batch, "logit_bias": logit_bias}, stop_token_ids=stop_token_ids
            )

        filled = fill_blanks(
            generate,
            texts,
            start_token_id=preprocessor.roles.span_start_token_id,
            pad_token_id=preprocessor.roles.pad_token_id,
            max_new_tokens=max_new_tokens,
            max_length=max_length,
        )
        return preprocessor.generate_postprocess(texts, filled)

    def _checked_new_tokens(self, max_new_tokens):
        # What fills a blank is seen by later ones behind the token that starts it.
        most = self.backbone.max_sequence_length - 1
        if max_new_tokens is None:
            return min(_DEFAULT_NEW_TOKENS, most)
        if positive_integer("max_new_tokens", max_new_tokens) > most:
            raise ValueError(
                f"`max_new_tokens` must be at most {most}, the positions that the body has in a "
                f"blank behind its start. Received: max_new_tokens={max_new_tokens}"
            )
        return int(max_new_tokens)

    def _stop_token_ids(self, stop_token_ids):
        if stop_token_ids is None:
            return None
        if isinstance(stop_token_ids, str) and stop_token_ids == "auto":
            return (self.preprocessor.roles.span_end_token_id,)
        vocabulary_size = self.backbone.vocabulary_size
        ids = np.asarray(stop_token_ids)
        if ids.ndim != 1 or not ids.size or not ((ids >= 0) & (ids < vocabulary_size)).all():
            raise ValueError(
                '`stop_token_ids` must be "auto", None, or one or more ids of tokens below '
                f"{vocabulary_size}. Received: stop_token_ids={stop_token_ids!r}"
            )
        return tuple(ids.tolist())

    def _logit_bias(self, stop_token_ids):
        """Rules out what stands for no text, and ids that no token has."""
        is_special = self.preprocessor.roles.is_special
        bias = np.full(self.backbone.vocabulary_size, HIDDEN_SCORE, np.float32)
        bias[np.flatnonzero(~is_special)] = 0
        bias[list(stop_token_ids or ())] = 0
        return bias
