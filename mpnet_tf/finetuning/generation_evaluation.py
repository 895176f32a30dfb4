"""Evaluation of a model that writes texts: what it writes, and how likely it holds the targets."""

import dataclasses

import numpy as np

from mpnet_tf.finetuning.encoded_sequences import encode_sequences
from mpnet_tf.finetuning.generation_metrics import compute_generation_metrics
from mpnet_tf.finetuning.sequence_batches import batches_by_length, sequence_evaluation_batches
from mpnet_tf.finetuning.sequence_layout import SequenceLayout


@dataclasses.dataclass(frozen=True)
class GenerationEvaluation:
    """What a model wrote, and how good it is.

    Args:
        metrics: figures by their names: those of `compute_generation_metrics`, `perplexity` as
            `corpus_perplexity` has it, and `ended`, the share of the texts, from 0 to 100, that
            ended by themselves. The last alone where the targets are not known.
        texts: what was written for each example.
        is_ended: for each whether it ended by itself; otherwise it was cut at `max_new_tokens`.
    """

    metrics: dict[str, float]
    texts: tuple[str, ...]
    is_ended: tuple[bool, ...]


def evaluate_generation(model, examples, layout=None, *, max_new_tokens, batch_size=32):
    """Lets a model write of each text, and compares what it writes with the targets.

    The sampler that the model is compiled with chooses the tokens.

    Args:
        model: `GLMCausalLM` with a preprocessor.
        examples: `LabelledTexts` with the targets as `pairs`, or without; or `EncodedSequences`.
        layout: `SequenceLayout`, or None for the default one. Of no matter to encoded examples.
        max_new_tokens: int. Most tokens of a text.
        batch_size: int. Examples of similar length that are computed at once. Default 32.

    Returns:
        `GenerationEvaluation`.

    Raises:
        ValueError: if an argument is out of its range, an example does not fit the layout, or a
            library of the metrics is missing.
    """
    sequences = encode_sequences(examples, model, layout or SequenceLayout())
    texts = np.empty(len(sequences), object)
    is_ended = np.empty(len(sequences), bool)
    for rows in batches_by_length(sequences.source_lengths, batch_size):
        filled = model.fill_blanked(sequences.blanked_texts(rows), max_new_tokens=max_new_tokens)
        texts[rows] = [text.parts[0] for text in filled]
        is_ended[rows] = [len(text.token_ids[0]) < max_new_tokens for text in filled]
    metrics = {"ended": 100.0 * float(is_ended.mean())}
    if sequences.references is not None:
        metrics |= compute_generation_metrics(sequences.references, texts.tolist())
        metrics["perplexity"] = corpus_perplexity(model, sequences, batch_size=batch_size)
    return GenerationEvaluation(metrics, tuple(texts.tolist()), tuple(is_ended.tolist()))


def corpus_perplexity(model, examples, layout=None, *, batch_size=32):
    """Computes the perplexity of all targets together, given their texts.

    It is `exp(-sum(log p) / n)`, where the sum goes over all n tokens that are to be predicted: the
    targets' own, and those that end them.

    Args:
        model: `GLMCausalLM` with a preprocessor.
        examples, layout, batch_size: as of `evaluate_generation`; with targets.

    Returns:
        float, from 1.

    Raises:
        ValueError: if there are no targets, or an example does not fit the layout.
    """
    sequences = encode_sequences(examples, model, layout or SequenceLayout())
    if sequences.target_ids is None:
        raise ValueError(
            "`examples` must have targets, as `pairs`, for their perplexity. Received: none"
        )
    batches = sequence_evaluation_batches(
        sequences, model.preprocessor.roles, batch_size=batch_size
    )
    total = sum(model.score_slots(*batch).sum(dtype=np.float64) for batch in batches)
    return float(np.exp(-total / len(sequences.target_ids.flat_values)))
