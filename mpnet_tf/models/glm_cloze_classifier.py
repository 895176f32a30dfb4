"""GLM as a text classifier that answers a question with a blank, without a head of its own."""

import keras
import keras_hub

from mpnet_tf.conversion.sources import is_foreign
from mpnet_tf.layers.span_log_probabilities import SpanLogProbabilities
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_cloze_preprocessor import GLMClozePreprocessor, no_pattern_error
from mpnet_tf.models.named_classes import check_class_ids
from mpnet_tf.models.preset_files import local_directory
from mpnet_tf.models.pretrainer import Pretrainer
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.transformer_task import TransformerTask


@keras.saving.register_keras_serializable(package="mpnet_tf")
class GLMClozeClassifier(TransformerTask, RawTextTask, keras_hub.models.Task):
    """A GLM backbone and language-model head that tell the class of a text by filling a blank.

    A pattern makes a text a question with a blank, and a class is as likely as its verbalizer is in
    the blank. Nothing of it is new to the pretrained model, so that it serves without training
    (`predict` alone) and learns from few examples. Its loss, unless `compile` is told otherwise, is
    the cross entropy of the softmax over the verbalizers' log-probabilities.

    Each text is computed once for all classes: their verbalizers are read side by side.

    Args:
        backbone: `GLMBackbone`.
        preprocessor: `GLMClozePreprocessor`, which has the pattern, for raw text in `fit`,
            `evaluate` and `predict`; None to feed what it makes. Default None.
        lm_head: `LMHead` tied to the backbone's token embedding, or None for a fresh one.

    Call arguments:
        A dict as `GLMClozePreprocessor` returns it.

    Returns:
        float32 tensor `(batch_size, num_classes)`: the natural logarithm of each verbalizer's
        probability among all that could fill the blank; logits of the classes.

    Example:

    ```python
    pattern = ClozePattern("{text} It was [MASK].", {"0": "terrible", "1": "great"})
    classifier = GLMClozeClassifier.from_preset("my_run/preset", pattern=pattern)
    classifier.predict(["A charming journey.", "Flat."])
    classifier.compile(keras.optimizers.AdamW(1e-5))
    classifier.fit(["A charming journey.", "Flat."], np.array([1, 0]), epochs=10)
    ```

    References:
        [GLM](https://arxiv.org/abs/2103.10360), section 2.3;
        [PET](https://arxiv.org/abs/2001.07676), section 3.1.
    """

    backbone_cls = GLMBackbone
    preprocessor_cls = GLMClozePreprocessor

    def __init__(self, backbone, preprocessor=None, lm_head=None, **kwargs):
        # === Layers ===
        pretrainer = Pretrainer(backbone, lm_head=lm_head)
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.lm_head = pretrainer.lm_head

        # === Functional model ===
        spans = {
            name: keras.Input(shape=(None, None), dtype="int32", name=name)
            for name in ("span_predictions", "span_token_ids")
        }
        outputs = SpanLogProbabilities(name="span_log_probabilities")(pretrainer.output, **spans)
        super().__init__(inputs={**pretrainer.input, **spans}, outputs=outputs, **kwargs)

    def compile(self, optimizer="rmsprop", loss="auto", **kwargs):
        """Configures training.

        Args:
            optimizer: as of `keras.Model.compile`.
            loss: likewise. "auto" means the cross entropy of the classes.
            **kwargs: other arguments of `keras.Model.compile`.
        """
        if loss == "auto":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        super().compile(optimizer, loss, **kwargs)

    def check_labels(self, labels):
        """Checks that labels that are no vectors are ids of the classes.

        Args:
            labels: array `(num_texts,)` of class ids, or anything else for another loss.

        Raises:
            ValueError: if one is no id of a class.
        """
        check_class_ids(labels, len(self.class_names), self.class_names)

    @property
    def class_names(self):
        """tuple of str, or None without a preprocessor. The classes in the order of their ids."""
        return None if self.preprocessor is None else self.preprocessor.pattern.class_names

    @classmethod
    def from_preset(cls, preset, load_weights=True, pattern=None, **kwargs):
        """Makes a model from a preset of any task on a GLM body, or GLM's own checkpoint.

        Args:
            preset: str. What `GLMCausalLM.from_preset` takes.
            load_weights: bool. Whether to load the weights; the model starts anew otherwise.
            pattern: `ClozePattern`, or None for that of a saved classifier.
            **kwargs: arguments of the class, or of its backbone, in place of the saved ones.

        Returns:
            The model.

        Raises:
            ValueError: if there is neither a pattern nor a preprocessor, the files are damaged, or
                they hold a model of another body or without a tokenizer.
        """
        if pattern is None and "preprocessor" not in kwargs:
            directory = local_directory(preset)
            if directory is not None and is_foreign(directory):
                raise no_pattern_error(preset)
            return super().from_preset(preset, load_weights=load_weights, **kwargs)
        preprocessor = kwargs.pop("preprocessor", None)
        own_names = ("name", "trainable", "compile")
        own = {name: kwargs.pop(name) for name in own_names if name in kwargs}
        causal_lm = GLMCausalLM.from_preset(preset, load_weights=load_weights, **kwargs)
        if pattern is not None:
            if causal_lm.preprocessor is None:
                raise ValueError(
                    f"`preset` must have a tokenizer. Received: preset={preset!r}, with none. Make "
                    "one from its vocabulary and pass `preprocessor`."
                )
            preprocessor = cls.preprocessor_cls(
                causal_lm.preprocessor.tokenizer,
                pattern,
                sequence_length=causal_lm.backbone.max_sequence_length,
            )
        return cls(causal_lm.backbone, preprocessor, lm_head=causal_lm.lm_head, **own)
