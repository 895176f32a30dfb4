"""The tasks that a model can be served for."""

import dataclasses
import os

from mpnet_tf.models.byte_pair_tokenizer import BytePairTokenizer
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.preset_conversion import open_model, preset_of
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer
from mpnet_tf.models.task_models import make_task
from mpnet_tf.models.text_classifier import TransformerTextClassifier
from mpnet_tf.models.text_embedder import TransformerTextEmbedder
from mpnet_tf.models.token_classifier import TransformerTokenClassifier
from mpnet_tf.models.transformer_backbone import TransformerBackbone
from mpnet_tf.serving.cloze_classification import cloze_classification_signatures
from mpnet_tf.serving.continuation_scoring import continuation_scoring_signatures
from mpnet_tf.serving.mask_filling import mask_filling_signatures
from mpnet_tf.serving.question_answering import question_answering_signatures
from mpnet_tf.serving.signature import TOKEN_IDS_SUFFIX
from mpnet_tf.serving.text_classification import classification_signatures
from mpnet_tf.serving.text_embedding import embedding_signatures
from mpnet_tf.serving.text_generation import generation_signatures
from mpnet_tf.serving.text_scoring import scoring_signatures
from mpnet_tf.serving.token_classification import token_classification_signatures


@dataclasses.dataclass(frozen=True)
class ServingSettings:
    """What is fixed when a model is exported.

    Args:
        sequence_length: int or None. Most tokens of a text; None for what the model says.
        top_k: int. Guesses for each blank, where a request does not say.
        max_new_tokens: int. Most tokens that are written into a blank.
        max_windows: int. Rows that a text may take in question answering and the classes of words.
        weight_dtype: str. How weights are stored, of `WEIGHT_DTYPES`.
    """

    sequence_length: int | None = None
    top_k: int = 5
    max_new_tokens: int = 128
    max_windows: int = 64
    weight_dtype: str = "float32"


def open_served_model(source, *, pattern=None):
    """Opens the model that is to be served.

    Args:
        source: str. A preset, a run directory, or a directory of transformers or
            sentence-transformers.
        pattern: `ClozePattern`, or None. Makes a GLM a classifier that fills its blank.

    Returns:
        A task with a preprocessor. A mere body becomes an embedder by the mean of its tokens.

    Raises:
        ValueError: if the source is of an unknown kind or damaged, or has no tokenizer, or there
            is a pattern and it is no GLM.
    """
    directory = os.path.abspath(preset_of(source))
    model = open_model(source)
    if pattern is not None:
        if not isinstance(getattr(model, "backbone", model), GLMBackbone):
            raise ValueError(
                "`pattern` must be left out for a model that is no GLM, which alone fills blanks "
                f"of several tokens. Received: a {type(model).__name__}"
            )
        return GLMClozeClassifier.from_preset(directory, pattern=pattern)
    if isinstance(model, TransformerBackbone):
        model = make_task("text_embedder", model)
        model.preprocessor = model.preprocessor_cls.from_preset(directory)
    elif isinstance(model, GLMMaskedLM) and model.preprocessor is not None:
        model = GLMCausalLM.from_preset(directory)
    if model.preprocessor is None:
        raise ValueError(
            f"The model at {source} must come with a tokenizer, to be served raw text. Convert it "
            "with --vocab."
        )
    return model


def signatures_of(task, model, settings):
    """Makes the signatures of a task.

    Args:
        task: str. One of `SERVED_TASKS`.
        model: what `open_served_model` returns.
        settings: `ServingSettings`.

    Returns:
        List of `Signature`, the task's main one first.

    Raises:
        ValueError: if the model is of another kind than the task needs, or a setting is out of its
            range.
    """
    if task not in SERVED_TASKS:
        raise ValueError(
            f"`task` must be one of {', '.join(SERVED_TASKS)}. Received: task={task!r}"
        )
    for model_cls, make in _MAKERS[task].items():
        if isinstance(model, model_cls):
            return _servable(make(model, settings), task, model)
    raise ValueError(
        f"`task` must suit the model, a {type(model).__name__}: {' or '.join(tasks_of(model))}. "
        f"Received: task={task!r}"
    )


def _servable(signatures, task, model):
    """Leaves out what a graph cannot compute: the tokens of a tokenizer that is no op."""
    if not isinstance(model.preprocessor.tokenizer, BytePairTokenizer):
        return signatures
    of_token_ids = [one for one in signatures if one.name.endswith(TOKEN_IDS_SUFFIX)]
    if not of_token_ids:
        raise ValueError(
            f"`task` {task!r} needs a tokenizer that is a TensorFlow op. Received: a model with a "
            "byte-level BPE vocabulary, which is served token ids alone, and this task has no "
            "signature for them."
        )
    return of_token_ids


def tasks_of(model):
    """Returns the names of the tasks that a model can be served for."""
    return [task for task, makers in _MAKERS.items() if isinstance(model, tuple(makers))]


def _preprocessor_of(model, settings):
    """Returns a preprocessor that pads to the longest text of a batch."""
    preprocessor = model.preprocessor
    if isinstance(preprocessor, GLMCausalLMPreprocessor):
        preprocessor = GLMMaskedLM.preprocessor_cls(
            preprocessor.tokenizer, sequence_length=model.backbone.max_sequence_length
        )
    preprocessor = preprocessor.padded_to_longest(settings.sequence_length)
    preprocessor.check_fits(model.backbone)
    return preprocessor


def _fill_mask(model, settings):
    return mask_filling_signatures(model, _preprocessor_of(model, settings), top_k=settings.top_k)


def _fill_mask_of_writer(model, settings):
    masked_lm = GLMMaskedLM(model.backbone, model.preprocessor, lm_head=model.lm_head)
    return _fill_mask(masked_lm, settings)


def _embed(model, settings):
    return embedding_signatures(model, _preprocessor_of(model, settings))


def _embed_by_mean(model, settings):
    embedder = TransformerTextEmbedder(model.backbone)
    return embedding_signatures(embedder, _preprocessor_of(model, settings))


def _classify(model, settings):
    return classification_signatures(model, _preprocessor_of(model, settings))


def _token_classify(model, settings):
    return token_classification_signatures(
        model, _preprocessor_of(model, settings), max_windows=settings.max_windows
    )


def _question_answer(model, settings):
    return question_answering_signatures(
        model, _preprocessor_of(model, settings), max_windows=settings.max_windows
    )


def _score(model, settings):
    return scoring_signatures(model, _preprocessor_of(model, settings))


def _generate(model, settings):
    most = min(settings.max_new_tokens, model.backbone.max_sequence_length - 1)
    return generation_signatures(model, max_new_tokens=most)


# For each task, what makes its signatures of which class of models.
_MAKERS = {
    "fill_mask": {GLMCausalLM: _fill_mask_of_writer, TransformerMaskedLM: _fill_mask},
    "embed": {
        TransformerTextEmbedder: _embed,
        TransformerMaskedLM: _embed_by_mean,
        GLMCausalLM: _embed_by_mean,
    },
    "classify": {
        TransformerTextClassifier: _classify,
        GLMClozeClassifier: lambda model, settings: cloze_classification_signatures(model),
    },
    "token_classify": {TransformerTokenClassifier: _token_classify},
    "question_answer": {TransformerQuestionAnswerer: _question_answer},
    "score": {
        TransformerMaskedLM: _score,
        GLMCausalLM: lambda model, settings: continuation_scoring_signatures(model),
    },
    "generate": {GLMCausalLM: _generate},
}
SERVED_TASKS = tuple(_MAKERS)
