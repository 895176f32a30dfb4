"""Fine-tuning of GLM as a classifier that fills a blank, and its evaluation."""

from mpnet_tf.finetuning.text_finetuning import TextFinetuning
from mpnet_tf.finetuning.tuned_model import make_blank_filler
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from mpnet_tf.models.glm_cloze_preprocessor import GLMClozePreprocessor


class ClozeFinetuning(TextFinetuning):
    """The fine-tuning of a GLM model that classifies texts by filling a blank.

    Without training it judges the pretrained model as it is: `evaluate` what `make_model` returns.

    Args:
        task: `TextTask`, a classification.
        pattern: `ClozePattern` with the classes of the task.
        train: `LabelledTexts` with labels, or None to evaluate alone.
        dev: `LabelledTexts` with labels.
        test: `LabelledTexts` without labels, or None.

    Raises:
        ValueError: if the classes of the task and the pattern differ, or only one of pattern and
            examples has pairs.
    """

    def __init__(self, task, pattern, train, dev, test=None):
        if set(pattern.class_names) != set(task.class_names):
            raise ValueError(
                f"`pattern` must have verbalizers for the classes of the task {task.name}: "
                f"{', '.join(task.class_names) or 'none'}. "
                f"Received: {', '.join(pattern.class_names)}"
            )
        for examples in filter(None, (train, dev, test)):
            if (examples.pairs is not None) != pattern.has_pair:
                wanted, found = ("pairs", "texts") if pattern.has_pair else ("texts", "pairs")
                raise ValueError(
                    f"{examples.source} must have {wanted} for the pattern {pattern.pattern!r}. "
                    f"Received: {found}"
                )
        super().__init__(task.in_order_of(pattern.class_names), train, dev, test)
        self.pattern = pattern
        self.choices = {
            **self.choices,
            "pattern": pattern.pattern,
            "verbalizers": dict(pattern.verbalizers),
        }
        self.description += f" It fills the blank of `{pattern.pattern}`."

    def make_model(self, pretrained, settings, *, seed, load_weights=True):
        masked_lm, tokenizer = make_blank_filler(
            pretrained, settings, seed=seed, load_weights=load_weights
        )
        preprocessor = GLMClozePreprocessor(
            tokenizer,
            self.pattern,
            sequence_length=settings.sequence_length or masked_lm.backbone.max_sequence_length,
        )
        preprocessor.check_fits(masked_lm.backbone)
        return GLMClozeClassifier(masked_lm.backbone, preprocessor, lm_head=masked_lm.lm_head)
