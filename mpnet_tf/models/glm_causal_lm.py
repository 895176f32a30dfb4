"""GLM as what it was pretrained to be: a model that writes text into blanks."""

import keras
import keras_hub

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.models.blank_scoring import BlankScoring
from mpnet_tf.models.blank_writing import BlankWriting
from mpnet_tf.models.cached_blank_decoding import CachedBlankDecoding
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.pretrainer import Pretrainer
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_task import TransformerTask


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMCausalLM(
    BlankWriting,
    CachedBlankDecoding,
    BlankScoring,
    TransformerTask,
    RawTextTask,
    keras_hub.models.CausalLM,
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
