"""A pretraining run: shards and a config in, a trained model and its figures out."""

import contextlib
import dataclasses
import functools
import sys

import keras
import tensorflow as tf

from mpnet_tf.data.batches import evaluation_batches, training_batches
from mpnet_tf.models import Pretrainer
from mpnet_tf.models.bodies import make_backbone
from mpnet_tf.training.bad_steps import BadSteps
from mpnet_tf.training.callbacks import (
    MetricsFile,
    PeriodicEvaluation,
    ProgressDisplay,
    read_metrics,
)
from mpnet_tf.training.checkpoints import Checkpoints
from mpnet_tf.training.early_stopping import EarlyStopping
from mpnet_tf.training.evaluation import Evaluator
from mpnet_tf.training.input_watch import InputWatch, WatchedRows
from mpnet_tf.training.lost_workers import lost_workers_as_preemption
from mpnet_tf.training.optimizers import make_optimizer
from mpnet_tf.training.preemption import StopSignal
from mpnet_tf.training.run_results import average_tokens_per_step, run_results
from mpnet_tf.training.saving import Saving
from mpnet_tf.training.schedule_free_adamw import take_averaged_weights
from mpnet_tf.training.strategies import (
    distribute_batches,
    is_chief,
    num_workers,
    wait_for_workers,
)
from mpnet_tf.training.throughput import measured_peak_flops, training_flops_per_batch
from mpnet_tf.training.trainer import Trainer


def build_model(config, vocabulary_size, objective_names=()):
    """Builds the model of a run.

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
    # Names of their own, not numbered by Keras, are the same in every process and checkpoint.
    backbone = make_backbone(
        vocabulary_size=vocabulary_size, name="backbone", **dataclasses.asdict(config.model)
    )
    for layer in backbone.transformer_layers:
        layer.rematerialize = config.execution.rematerialize
    return Pretrainer(backbone, objective_names=objective_names, name="pretrainer")


def build_trainer(config, model):
    """Makes the trainer of a run's model, ready for `fit`; in the strategy's scope.

    Args:
        config: `PretrainingConfig`.
        model: `Pretrainer`.

    Returns:
        `Trainer`.
    """
    trainer = Trainer(
        model,
        seed=config.training.seed,
        gradient_accumulation=config.execution.gradient_accumulation,
        global_clipnorm=config.optimizer.global_clipnorm,
        name="trainer",
    )
    trainer.compile(
        make_optimizer(config.optimizer, model, total_steps=config.training.steps),
        jit_compile=config.execution.jit_compile,
        steps_per_execution=config.execution.steps_per_execution,
    )
    return trainer


def pretrain(config, data, run, *, strategy=None, warm_start=None):
    """Trains to the end of the config's steps, going on from the newest checkpoint.

    Several workers call it side by side, each with its own strategy of one cluster and the same
    run directory; the first of them writes what is recorded.

    Args:
        config: `PretrainingConfig`.
        data: `PretrainingData`.
        run: `RunDirectory`, locked by the caller where others could use it.
        strategy: `tf.distribute.Strategy` or None for one device.
        warm_start: function that sets the initial weights of a `Pretrainer`, or None for random
            ones. Not called where a checkpoint is gone on from.

    Returns:
        The trained `Pretrainer` and a dict of the run's figures, also in `results.json`.

    Raises:
        ValueError: if the run was begun with other data, all checkpoints are damaged, the replicas
            cannot share a batch, or the loss diverges.
        OSError: if the run directory cannot be written, or a shard cannot be read any more.
        PreemptionError: if the process was told to stop, or another worker was lost; the run
            goes on when it is started again.
    """
    strategy = strategy or tf.distribute.get_strategy()
    _check_micro_batches(config, strategy.num_replicas_in_sync)
    writes = is_chief(strategy)
    if writes:
        run.begin()
        run.record_data(data.manifest)
    with strategy.scope():
        model = build_model(config, data.tokenizer.vocabulary_size(), data.objective.names)
        trainer = build_trainer(config, model)
    checkpoints = Checkpoints(
        run.file("checkpoints"),
        num_to_keep=config.training.checkpoints_to_keep,
        config=config.to_dict(),
        asynchronous=config.execution.asynchronous_checkpoints,
    )
    first_step = checkpoints.restore_newest(trainer.checkpoint_variables())
    if first_step and writes:
        _tell_what_is_left(first_step, config.training.steps)
    elif not first_step and warm_start is not None:
        warm_start(model)
    rows, heldout_rows = WatchedRows(data.rows), WatchedRows(data.heldout_rows)
    evaluator, heldout = _make_evaluator(model, config, data, rows=heldout_rows, strategy=strategy)
    with (
        lost_workers_as_preemption(num_workers(strategy)),
        rows.own_errors(),
        heldout_rows.own_errors(),
    ):
        _train(
            trainer,
            config,
            data,
            rows=rows,
            run=run,
            strategy=strategy,
            evaluator=evaluator,
            checkpoints=checkpoints if writes else None,
        )
        steps = int(trainer.batch_number.numpy())
        if config.training.preset_from == "best":
            checkpoints.wait()
            # The other workers read what the first has written by now.
            wait_for_workers(strategy)
            checkpoints.restore_best(trainer.checkpoint_variables())
        take_averaged_weights(trainer.optimizer, model)
        evaluation = evaluator.evaluate()
    results = run_results(config, data, evaluation, heldout=heldout, steps=steps)
    if writes:
        records = read_metrics(run.file("metrics.jsonl"))
        results["training_seconds"] = sum(record["seconds"] for record in records)
        run.write_json("results.json", results)
    return model, results


def _tell_what_is_left(first_step, num_steps):
    if first_step < num_steps:
        message = f"going on from step {first_step:,} of {num_steps:,}"
    else:
        message = f"all {num_steps:,} steps are taken already"
    print(message, file=sys.stderr, flush=True)


def _check_micro_batches(config, num_replicas):
    num_micro_batches = num_replicas * config.execution.gradient_accumulation
    if config.training.batch_size % num_micro_batches:
        raise ValueError(
            "`training.batch_size` must be a multiple of `execution.gradient_accumulation` times "
            f"the devices, {num_replicas}. Received: batch_size={config.training.batch_size}, "
            f"gradient_accumulation={config.execution.gradient_accumulation}"
        )


def _make_evaluator(model, config, data, *, rows, strategy):
    training = config.training
    # A held-out set of less than a batch is evaluated in a smaller one, of which the replicas can
    # make their parts all the same.
    batch_size = training.batch_size
    while batch_size % 2 == 0 and batch_size // 2 >= rows.num_rows:
        batch_size //= 2
    make_batches = functools.partial(
        evaluation_batches,
        rows,
        data.objective,
        training.seed,
        batch_size=batch_size,
        max_batches=training.evaluation_batches,
    )
    heldout = make_batches()
    num_micro_batches = strategy.num_replicas_in_sync * config.execution.gradient_accumulation
    evaluator = Evaluator(
        model,
        distribute_batches(strategy, lambda share: make_batches(share=share)),
        data.objective.names,
        num_batches=int(heldout.cardinality()),
        strategy=strategy,
        max_rows=max(training.batch_size // num_micro_batches, 1),
    )
    return evaluator, heldout


def _train(trainer, config, data, *, rows, run, strategy, evaluator, checkpoints):
    """Takes the steps that are left; `checkpoints` is None on a worker that writes nothing."""
    training, execution = config.training, config.execution
    first_step = int(trainer.batch_number.numpy())
    early_stopping = EarlyStopping(training.early_stop_after)
    if first_step >= training.steps or early_stopping.is_over(trainer):
        return
    tokens_per_step = average_tokens_per_step(config, data)
    stop_signal = StopSignal()
    input_watch = InputWatch(
        rows, batch_size=training.batch_size, stall_seconds=execution.stall_seconds
    )
    callbacks = [
        input_watch,
        PeriodicEvaluation(
            evaluator,
            tokens_per_step=tokens_per_step,
            flops_per_step=_flops_per_step(trainer.pretrainer, config, data),
            peak_flops=strategy.num_replicas_in_sync
            * measured_peak_flops(trainer.pretrainer.backbone.compute_dtype),
        ),
        BadSteps(seed=training.seed, run_directory=run.path, max_in_a_row=execution.max_bad_steps),
        early_stopping,
    ]
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(stop_signal.listening())
        # A run that fails leaves no watch behind that would report it as stalled.
        cleanup.callback(input_watch.on_train_end)
        if checkpoints is not None:
            display = ProgressDisplay(
                first_step=first_step, total_steps=training.steps, tokens_per_step=tokens_per_step
            )
            # A run that fails leaves no bar behind on the terminal.
            cleanup.callback(display.on_train_end)
            # The records come before the checkpoint: a run cut off between the two takes the
            # steps again and replaces their record, where the other way round it would lack it
            # for ever.
            records = MetricsFile(
                run.file("metrics.jsonl"), run.file("tensorboard"), first_step=first_step
            )
            callbacks += [display, records]
        callbacks.append(
            Saving(checkpoints, every=execution.checkpoint_every, stop_signal=stop_signal)
        )
        trainer.continues_epoch = bool(first_step % training.evaluate_every)
        for begin, steps_per_epoch, num_epochs in _stretches(first_step, config):
            make_batches = functools.partial(
                training_batches,
                rows,
                data.objective,
                training.seed,
                batch_size=training.batch_size,
                first_batch=begin,
                num_batches=num_epochs * steps_per_epoch,
            )
            trainer.fit(
                distribute_batches(strategy, lambda share, make=make_batches: make(share=share)),
                epochs=num_epochs,
                steps_per_epoch=steps_per_epoch,
                verbose=0,
                shuffle=False,
                callbacks=callbacks,
            )
            if trainer.stop_training:
                break


def _stretches(first_step, config):
    """Lists what is left of a run as `(first step, steps in an epoch, epochs)`.

    A run that was stopped amid an interval between evaluations first goes to the interval's end.
    """
    training = config.training
    stretches = []
    left_of_interval = -first_step % training.evaluate_every
    if left_of_interval:
        if left_of_interval % config.execution.steps_per_execution:
            raise ValueError(
                "`execution.steps_per_execution` must divide the steps that are left of the "
                f"interval between evaluations, {left_of_interval} from step {first_step}; give it "
                "the value that the run had before. Received: "
                f"steps_per_execution={config.execution.steps_per_execution}"
            )
        stretches.append((first_step, left_of_interval, 1))
        first_step += left_of_interval
    if first_step < training.steps:
        num_epochs = (training.steps - first_step) // training.evaluate_every
        stretches.append((first_step, training.evaluate_every, num_epochs))
    return stretches


def _flops_per_step(model, config, data):
    slots, target_ids, _ = training_batches(
        data.rows, data.objective, config.training.seed, batch_size=config.training.batch_size
    ).element_spec
    return training_flops_per_batch(
        model,
        num_slots=slots["token_ids"].shape[1],
        num_content_slots=slots["key_start"].shape[1],
        num_predictions=target_ids.shape[1],
        batch_size=config.training.batch_size,
    )
