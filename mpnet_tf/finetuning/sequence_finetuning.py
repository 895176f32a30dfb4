"""Fine-tuning of GLM models that write a text of another, such as its summary."""

import dataclasses
import json
import os

from mpnet_tf.data.output_directory import explained_write_errors
from mpnet_tf.finetuning.encoded_sequences import encode_sequences
from mpnet_tf.finetuning.finetuning_task import Evaluation, FinetuningTask, Training
from mpnet_tf.finetuning.generation_evaluation import evaluate_generation
from mpnet_tf.finetuning.generation_metrics import (
    GENERATION_METRICS,
    check_generation_libraries,
)
from mpnet_tf.finetuning.sequence_batches import sequence_training_batches
from mpnet_tf.finetuning.sequence_layout import SequenceLayout
from mpnet_tf.finetuning.smoothed_crossentropy import SmoothedCrossentropy
from mpnet_tf.finetuning.tuned_model import make_blank_filler
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.training.setting_rules import require_choice


class SequenceFinetuning(FinetuningTask):
    """The fine-tuning of a GLM that writes a text of another.

    A setting of the run's `sequence_length` goes before the layout's `source_length`.

    Args:
        train: `LabelledTexts` with the targets as `pairs`, as `read_sequence_pairs` gives them; or
            None to evaluate alone.
        dev: `LabelledTexts` with targets.
        test: `LabelledTexts` without targets, or None.
        layout: `SequenceLayout`, or None for the default one.
        label_smoothing: float in [0, 1). As of `SmoothedCrossentropy`. Default 0.1.
        sampler: str or `keras_hub.samplers.Sampler`. How texts are written, as of
            `GLMCausalLM.compile`. Default "greedy".
        max_new_tokens: int or None. Most tokens of a text that is written; None for as many as the
            layout lets a target have.
        headline_metric: str. One of `GENERATION_METRICS`. Default "rougeL".

    Raises:
        ValueError: if examples have no targets, `headline_metric` is no such metric, or a library
            of the metrics is missing.

    Example:

    ```python
    task = SequenceFinetuning(
        read_sequence_pairs("train.source"),
        read_sequence_pairs("dev.source"),
        layout=SequenceLayout("{source} Summary: [MASK]", source_length=192, target_length=32),
    )
    settings = FinetuningSettings(learning_rate=3e-5, epochs=4)
    run_finetuning(task, settings, preset="run/preset", output="tuned", seeds=[1])
    model = GLMCausalLM.from_preset("tuned/preset")
    model.generate(f"{text} Summary: [MASK]", strip_prompt=True)
    ```

    References:
        GLM (https://arxiv.org/abs/2103.10360), sections 2.3 and 3.3.
    """

    name = "sequence_to_sequence"
    metrics = ("rouge1", "rouge2", "rougeL", "bleu", "exact_match", "perplexity", "ended")

    def __init__(
        self,
        train,
        dev,
        test=None,
        *,
        layout=None,
        label_smoothing=0.1,
        sampler="greedy",
        max_new_tokens=None,
        headline_metric="rougeL",
    ):
        require_choice("headline_metric", headline_metric, GENERATION_METRICS)
        # Not only when the first epoch is over.
        check_generation_libraries()
        for examples in filter(None, (train, dev)):
            if examples.pairs is None:
                raise ValueError(
                    "Examples to train and to evaluate on must have targets, as `pairs`. "
                    f"Received: none with the texts of {examples.source}"
                )
        self.headline_metric = headline_metric
        self.layout = layout or SequenceLayout()
        self.description = f"A GLM that writes texts. It reads `{self.layout.pattern}`."
        self.choices = {
            "prompt": self.layout.pattern,
            "target_length": self.layout.target_length,
            "label_smoothing": label_smoothing,
            "sampler": sampler if isinstance(sampler, str) else type(sampler).__name__,
        }
        self.num_train, self.num_dev = len(train or ()), len(dev)
        self._train, self._dev, self._test = train, dev, test
        self._dev_texts = dev
        self._loss = SmoothedCrossentropy(label_smoothing)
        self._sampler = sampler
        self._max_new_tokens = max_new_tokens

    def make_model(self, pretrained, settings, *, seed, load_weights=True):
        if settings.sequence_length is not None:
            self.layout = dataclasses.replace(self.layout, source_length=settings.sequence_length)
        masked_lm, tokenizer = make_blank_filler(
            pretrained, settings, seed=seed, load_weights=load_weights
        )
        return GLMCausalLM(
            masked_lm.backbone, GLMCausalLMPreprocessor(tokenizer), lm_head=masked_lm.lm_head
        )

    def make_training(self, model, settings, *, seed):
        # Once for all seeds, so that what is too long is told once.
        self._train = encode_sequences(self._train, model, self.layout)
        self._dev = encode_sequences(self._dev, model, self.layout)
        batches, steps_per_epoch = sequence_training_batches(
            self._train,
            model.preprocessor.roles,
            batch_size=settings.batch_size,
            seed=seed,
            num_epochs=settings.epochs,
        )
        # XLA would compile anew for each length of a batch.
        compile_settings = {"loss": self._loss, "sampler": self._sampler, "jit_compile": False}
        return Training(model, batches, steps_per_epoch, compile_settings)

    def evaluate(self, model, *, batch_size):
        if not model.compiled:
            model.compile(sampler=self._sampler, jit_compile=False)
        self._dev = encode_sequences(self._dev, model, self.layout)
        evaluation = self._generate(model, self._dev, batch_size=batch_size)
        return Evaluation(evaluation.metrics, evaluation.texts)

    def write_predictions(self, directory, evaluation, *, name):
        _write_texts(os.path.join(directory, f"{name}.jsonl"), self._dev_texts, evaluation.answers)

    def write_test(self, directory, model, *, batch_size):
        if self._test is None:
            return
        sequences = encode_sequences(self._test, model, self.layout)
        texts = self._generate(model, sequences, batch_size=batch_size).texts
        _write_texts(os.path.join(directory, "predictions", "test.jsonl"), self._test, texts)

    def _generate(self, model, sequences, *, batch_size):
        longest = self.layout.fitted(model.backbone).target_length
        # What fills a blank is behind the token that starts it.
        most = model.backbone.max_sequence_length - 1
        max_new_tokens = self._max_new_tokens or min(longest, most)
        return evaluate_generation(
            model, sequences, max_new_tokens=max_new_tokens, batch_size=batch_size
        )


def open_sequence_model(path):
    """Opens a tuned model for its evaluation.

    Args:
        path: str. A preset of a GLM body, or GLM's own checkpoint with a tokenizer.

    Returns:
        `GLMCausalLM` with a preprocessor.

    Raises:
        ValueError: if there is another model, or no tokenizer.
    """
    model = GLMCausalLM.from_preset(path)
    if model.preprocessor is None:
        raise ValueError(f"The model at {path} must come with a tokenizer.")
    return model


def _write_texts(path, examples, texts):
    """Writes a JSON object a line for each text: `source`, `target` and `prediction`."""
    targets = examples.pairs or [None] * len(examples)
    with explained_write_errors(path), open(path, "w", encoding="utf-8") as file:
        for source, target, text in zip(examples.texts, targets, texts, strict=True):
            line = {"source": source, "target": target, "prediction": text}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
