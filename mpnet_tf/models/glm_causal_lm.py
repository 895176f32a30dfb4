"""GLM as what it was pretrained to be: a model that writes text into blanks."""

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.layers.visibility_bias import HIDDEN_SCORE
from mpnet_tf.models.argument_checks import positive_integer
from mpnet_tf.models.blank_filling import fill_blanks
from mpnet_tf.models.blank_scoring import BlankScoring
from mpnet_tf.models.cached_blank_decoding import CachedBlankDecoding
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.pretrainer import Pretrainer
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_task import TransformerTask

# Tokens in a blank, unless asked for otherwise.
_DEFAULT_NEW_TOKENS = 128


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMCausalLM(
    CachedBlankDecoding, BlankScoring, TransformerTask, RawTextTask, keras_hub.models.CausalLM
):
    """A GLM backbone and language-model head that write text: after a text, or into its blanks.

    A mask token in a text is a blank of unknown length, of which there may be several; a text
    without one is continued, and from an empty text all is made up. Keys and values of earlier
    slots are kept in a cache. `compile(sampler=...)` says how tokens are chosen; until then the
    likeliest is. Any of keras_hub's samplers serves that needs no hidden states and gives one
    sequence a text.

    As a functional model it is `Pretrainer`: it takes slots, so `fit` takes what
    `mpnet_tf.objectives` makes of texts, and no raw text.

    Args:
        backbone: `GLMBackbone`.
        preprocessor: `GLMCausalLMPreprocessor`, or None for a model that takes slots alone.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Call arguments:
        A dict of slots as `mpnet_tf.objectives.visibility` lists them.

    Returns:
        float32 tensor `(batch_size, num_predictions, vocabulary_size)`: logits.

    Example:

    ```python
    model = GLMCausalLM.from_preset("my_run/preset")
    model.compile(sampler=keras_hub.samplers.TopPSampler(p=0.9, seed=1))
    model.generate("The capital of France")
    model.fill("The capital of [MASK] is Paris [gMASK]").parts
    ```

    References:
        [GLM: General Language Model Pretraining with Autoregressive Blank Infilling](
        https://arxiv.org/abs/2103.10360), sections 2.1 and 2.2.
    """

    backbone_cls = GLMBackbone
    preprocessor_cls = GLMCausalLMPreprocessor

    def __init__(self, backbone, preprocessor=None, lm_head=None, **kwargs):
        # === Layers ===
        pretrainer = Pretrainer(backbone, lm_head=lm_head)
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.lm_head = pretrainer.lm_head

        # === Functional model ===
        super().__init__(inputs=pretrainer.input, outputs=pretrainer.output, **kwargs)

        # === Generation ===
        if not self.compiled:
            self.sampler = keras_hub.samplers.GreedySampler()
            self.generate_function = None

    def compile(self, optimizer="auto", loss="auto", *, sampler="greedy", **kwargs):
        """Configures how tokens are chosen, and training.

        Args:
            optimizer, loss: as of `keras.Model.compile`. "auto" means keras_hub's optimizer, and
                the mean loss of the predictions that have a weight.
            sampler: `keras_hub.samplers.Sampler`, or a name such as "greedy", "beam", "top_k",
                "top_p" and "random". Default "greedy".
            **kwargs: other arguments of keras_hub's `CausalLM.compile`.

        Raises:
            ValueError: if the sampler needs hidden states or gives several sequences a text.
        """
        sampler = keras_hub.samplers.get(sampler)
        chooser = getattr(sampler, "sampler", sampler)
        needs_more = type(chooser).__name__ in ("ContrastiveSampler", "SpeculativeSampler")
        if needs_more or getattr(chooser, "return_all_beams", False):
            raise ValueError(
                "`sampler` must choose one sequence a text from the logits alone, as greedy, beam, "
                f"top_k, top_p and random do. Received: sampler={type(chooser).__name__} with "
                f"{chooser.get_config()}"
            )
        if loss == "auto":
            # keras_hub's averages over the empty places too.
            loss = keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, reduction="mean_with_sample_weight"
            )
        super().compile(optimizer, loss, sampler=sampler, **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Passes slots and labels on, as keras_hub asks for."""
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

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

    def checked_preprocessor(self):
        """Returns the preprocessor.

        Raises:
            ValueError: if there is none, or its tokenizer has tokens that the body lacks.
        """
        if self.preprocessor is None:
            raise ValueError(
                "`preprocessor` must be there to take text. Received: preprocessor=None. Give the "
                "model a `GLMCausalLMPreprocessor`, or call `generate_step`."
            )
        vocabulary_size = self.preprocessor.roles.vocabulary_size
        if vocabulary_size > self.backbone.vocabulary_size:
            raise ValueError(
                "`tokenizer` of the preprocessor must have no more tokens than the body's "
                f"`vocabulary_size`, {self.backbone.vocabulary_size}. "
                f"Received: a tokenizer with {vocabulary_size}"
            )
        return self.preprocessor

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

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Makes a model from a preset of any task on a GLM body, or GLM's own checkpoint.

        Args:
            preset: str. What `GLMMaskedLM.from_preset` takes.
            load_weights: bool. Whether to load the weights; the model starts anew otherwise.
            **kwargs: arguments of the class, or of its backbone, in place of the saved ones.

        Returns:
            The model. Its preprocessor is None where the preset has no tokenizer.

        Raises:
            ValueError: if the files are damaged, or hold a model of another body.
        """
        directory = local_directory(preset)
        if directory is None or not is_foreign(directory):
            return super().from_preset(preset, load_weights=load_weights, **kwargs)
        # These modules import the classes of all tasks.
        from mpnet_tf.models.converted_model import model_from
        from mpnet_tf.models.tokenizers import tokenizer_of_body

        own_names = ("name", "trainable", "compile")
        own = {name: kwargs.pop(name) for name in own_names if name in kwargs}
        has_preprocessor = "preprocessor" in kwargs
        preprocessor = kwargs.pop("preprocessor", None)
        pretrained = read_foreign(directory)
        masked_lm = model_from(
            pretrained,
            task="masked_lm",
            load_weights=load_weights,
            preprocessor=None,
            **kwargs,
        )
        if not isinstance(masked_lm, GLMMaskedLM):
            raise ValueError(
                f"`preset` must hold a GLM model. Received: preset={preset!r}, with one for "
                f"`{type(masked_lm).__name__}`"
            )
        if not has_preprocessor and pretrained.tokenizer is not None:
            tokenizer = tokenizer_of_body(pretrained.body, pretrained.tokenizer)
            # As GLM's authors trained and generate.
            preprocessor = cls.preprocessor_cls(tokenizer, end_token_after_document_mask=False)
        return cls(masked_lm.backbone, preprocessor, lm_head=masked_lm.lm_head, **own)
