"""A pretraining run: shards and a config in, a trained model and its figures out."""

import contextlib
import dataclasses
import os

import keras

from mpnet_tf.data.batches import evaluation_batches, training_batches
from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY, read_manifest
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models import MPNetTokenizer, Pretrainer
from mpnet_tf.models.bodies import make_backbone
from mpnet_tf.objectives import TokenRoles
from mpnet_tf.objectives import registry as objectives
from mpnet_tf.training.callbacks import (
    MetricsFile,
    PeriodicCheckpoint,
    PeriodicEvaluation,
    ProgressDisplay,
    read_metrics,
)
from mpnet_tf.training.checkpoints import Checkpoints
from mpnet_tf.training.evaluation import Evaluator
from mpnet_tf.training.optimizers import make_optimizer
from mpnet_tf.training.unigram import evaluate_unigram, target_frequencies

# Enough to tell how often an objective's targets are such as the end of a span.
_BATCHES_FOR_SPECIAL_TARGETS = 20


@dataclasses.dataclass(frozen=True)
class PretrainingData:
    """All that a run reads.

    Attributes:
        manifest: `Manifest` of the shards.
        tokenizer: `MPNetTokenizer` that made them.
        objective: an objective of `mpnet_tf.objectives`, or a mixture.
        rows: `PackedRows` of the training split.
        heldout_rows: `PackedRows` of the held-out split.
        token_counts: int array `(vocabulary_size,)`, of the training split.
        heldout_shards: `TokenShards`.
    """

    manifest: object
    tokenizer: MPNetTokenizer
    objective: object
    rows: PackedRows
    heldout_rows: PackedRows
    token_counts: object
    heldout_shards: TokenShards


def open_data(config, shards_directory):
    """Opens the shards of a run and plans its rows.

    Args:
        config: `PretrainingConfig`.
        shards_directory: str. As `mpnet-prepare` writes it.

    Returns:
        `PretrainingData`.

    Raises:
        ValueError: if the shards are damaged or of another tokenizer, hold no held-out text, or
            the objective's settings are out of range.
    """
    manifest = read_manifest(shards_directory)
    tokenizer = MPNetTokenizer.from_preset(os.path.join(shards_directory, TOKENIZER_DIRECTORY))
    objective = make_objective(
        config, TokenRoles.from_tokenizer(tokenizer), config.data.sequence_length
    )
    splits = {
        split: TokenShards.open(
            shards_directory, split, tokenizer_fingerprint=tokenizer.fingerprint
        )
        for split in ("train", "heldout")
    }
    for split, shards in splits.items():
        if not shards.num_documents:
            raise ValueError(
                f"{shards_directory} has no document in its {split!r} split. "
                "Give more text, or another `data.heldout_share`."
            )
    rows = {
        split: PackedRows(
            shards,
            config.data.sequence_length,
            config.training.seed,
            start_token_id=tokenizer.start_token_id,
            end_token_id=tokenizer.end_token_id,
            pad_token_id=tokenizer.pad_token_id,
            places_needed=objective.places_needed,
        )
        for split, shards in splits.items()
    }
    return PretrainingData(
        manifest=manifest,
        tokenizer=tokenizer,
        objective=objective,
        rows=rows["train"],
        heldout_rows=rows["heldout"],
        token_counts=splits["train"].token_counts(),
        heldout_shards=splits["heldout"],
    )


def make_objective(config, roles, sequence_length):
    """Makes the objective of a run for rows of some length.

    Args:
        config: `PretrainingConfig`.
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row; for another than the config's, such as that of one
            sentence, settings in tokens are made to fit.

    Returns:
        An objective of `mpnet_tf.objectives`, or a `Mixture`.

    Raises:
        ValueError: if the settings are out of range.
    """
    settings = config.objective.settings()
    if sequence_length != config.data.sequence_length:
        settings["num_predictions"] = settings["max_span_length"] = None
        settings["mean_span_length"] = min(settings["mean_span_length"], float(sequence_length))
    return objectives.make_objective(config.objective.name, roles, sequence_length, **settings)


def build_model(config, vocabulary_size, objective_names=()):
    """Builds the model of a run, compiled for `fit`.

    Args:
        config: `PretrainingConfig`.
        vocabulary_size: int.
        objective_names: tuple of str. Objectives whose losses are told apart, if several.

    Returns:
        `Pretrainer`. The same seed gives the same weights.

    Raises:
        ValueError: if there is no such body, or a setting does not fit it.
    """
    keras.utils.set_random_seed(config.training.seed)
    backbone = make_backbone(vocabulary_size=vocabulary_size, **dataclasses.asdict(config.model))
    model = Pretrainer(backbone, objective_names=objective_names, name="pretrainer")
    model.compile(
        optimizer=make_optimizer(config.optimizer, model, total_steps=config.training.steps),
        # The mean over the predicted tokens, not over the places for them.
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # XLA gains nothing on a CPU (docs/decisions.md) and takes minutes to compile.
        jit_compile=False,
    )
    return model


def pretrain(config, data, run):
    """Trains to the end of the config's steps, going on from the newest checkpoint.

    Args:
        config: `PretrainingConfig`.
        data: `PretrainingData`.
        run: `RunDirectory`.

    Returns:
        The trained `Pretrainer` and a dict of the run's figures, also in `results.json`.

    Raises:
        ValueError: if the run was begun with other data, the newest checkpoint is damaged, or the
            loss diverges.
        OSError: if the run directory cannot be written.
    """
    training = config.training
    run.begin()
    run.record_data(data.manifest)
    names = data.objective.names
    model = build_model(config, data.tokenizer.vocabulary_size(), names)
    checkpoints = Checkpoints(run.file("checkpoints"), training.checkpoints_to_keep)
    first_step = checkpoints.restore_newest(model)
    heldout = evaluation_batches(
        data.heldout_rows,
        data.objective,
        training.seed,
        batch_size=min(training.batch_size, data.heldout_rows.num_rows),
        max_batches=training.evaluation_batches,
    )
    evaluator = Evaluator(model, heldout, names)
    if first_step < training.steps:
        _fit(
            model,
            config,
            data,
            run=run,
            evaluator=evaluator,
            checkpoints=checkpoints,
            epochs=(
                first_step // training.evaluate_every,
                training.steps // training.evaluate_every,
            ),
        )
    results = _results(config, data, evaluator.evaluate(), heldout=heldout)
    records = read_metrics(run.file("metrics.jsonl"))
    results["training_seconds"] = sum(record["seconds"] for record in records)
    run.write_json("results.json", results)
    return model, results


def _fit(model, config, data, *, run, evaluator, checkpoints, epochs):
    training = config.training
    first_epoch, num_epochs = epochs
    first_step = first_epoch * training.evaluate_every
    tokens_per_step = _tokens_per_step(config, data)
    batches = training_batches(
        data.rows,
        data.objective,
        training.seed,
        batch_size=training.batch_size,
        first_batch=first_step,
        num_batches=training.steps - first_step,
    )
    display = ProgressDisplay(
        first_step=first_step, total_steps=training.steps, tokens_per_step=tokens_per_step
    )
    with contextlib.ExitStack() as cleanup:
        # A run that fails leaves no bar behind on the terminal.
        cleanup.callback(display.on_train_end)
        model.fit(
            batches,
            initial_epoch=first_epoch,
            epochs=num_epochs,
            steps_per_epoch=training.evaluate_every,
            verbose=0,
            shuffle=False,
            callbacks=[
                PeriodicEvaluation(
                    evaluator,
                    steps_per_epoch=training.evaluate_every,
                    tokens_per_step=tokens_per_step,
                ),
                display,
                # Before the checkpoint: a run cut off between the two takes the steps again and
                # replaces their record, where the other way round it would lack it for ever.
                MetricsFile(
                    run.file("metrics.jsonl"), run.file("tensorboard"), first_step=first_step
                ),
                PeriodicCheckpoint(checkpoints),
            ],
        )


def _tokens_per_step(config, data):
    places = config.training.batch_size * config.data.sequence_length
    return places * (1 - data.rows.padding_share)


def _results(config, data, evaluation, *, heldout):
    baseline = _unigram_evaluation(config, data, heldout)
    by_objective = {}
    for name, own in evaluation.by_objective.items():
        by_objective[f"heldout_{name}_predictions"] = own.num_predictions
        by_objective[f"heldout_{name}_loss"] = own.loss
        by_objective[f"heldout_{name}_accuracy"] = own.accuracy
        by_objective[f"unigram_{name}_loss"] = baseline.by_objective[name].loss
    return {
        "steps": config.training.steps,
        "tokens_seen": round(config.training.steps * _tokens_per_step(config, data)),
        "epochs_seen": config.training.steps * config.training.batch_size / data.rows.num_rows,
        "padding_share": data.rows.padding_share,
        "heldout_predictions": evaluation.num_predictions,
        "heldout_loss": evaluation.loss,
        "heldout_perplexity": evaluation.perplexity,
        "heldout_accuracy": evaluation.accuracy,
        "unigram_loss": baseline.loss,
        "unigram_perplexity": baseline.perplexity,
        **by_objective,
    }


def _unigram_evaluation(config, data, heldout):
    batches = training_batches(
        data.rows,
        data.objective,
        config.training.seed,
        batch_size=config.training.batch_size,
        num_batches=_BATCHES_FOR_SPECIAL_TARGETS,
    )
    return evaluate_unigram(
        target_frequencies(data.token_counts, batches, data.objective),
        heldout,
        data.objective.names,
    )
