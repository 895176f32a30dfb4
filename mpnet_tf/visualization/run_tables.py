"""What a run's directory tells of it, as tables for the terminal."""

import datetime

from mpnet_tf.visualization.terminal_table import size_text, terminal_table

_MOST_RECORDS = 8


def run_tables(summary):
    """Makes the tables of a run.

    Args:
        summary: `RunSummary`.

    Returns:
        List of `rich.table.Table`.
    """
    tables = [
        _pairs("recipe", _recipe(summary)),
        _pairs("progress", _progress(summary)),
    ]
    if summary.history:
        tables.append(_history_table(summary.history))
    if summary.checkpoints:
        tables.append(_checkpoint_table(summary.checkpoints))
    tables.append(_pairs("where", _places(summary)))
    return tables


def _pairs(title, values):
    return terminal_table(title, [("", "left"), ("", "left")], values.items())


def _recipe(summary):
    config = summary.config
    model, optimizer = config.model, config.optimizer
    recipe = {
        "body": f"{model.body}, {model.num_layers} layers of {model.hidden_dim}, "
        f"{model.num_heads} heads",
        "objective": config.objective.name,
        "batch": f"{config.training.batch_size:,} rows of {config.data.sequence_length:,} tokens",
        "optimizer": f"{optimizer.name}, learning rate {optimizer.learning_rate:g} after "
        f"{optimizer.warmup_steps:,} steps, then {optimizer.schedule}",
        "seed": str(config.training.seed),
    }
    if summary.origin is not None:
        recipe["begun from"] = str(summary.origin["path"])
    if summary.manifest is not None:
        recipe["vocabulary"] = f"{summary.manifest.vocabulary_size:,} tokens"
        recipe |= {
            f"split {name}": f"{split.num_documents:,} documents, {split.num_tokens:,} tokens"
            for name, split in summary.manifest.splits.items()
        }
    return recipe


def _progress(summary):
    steps = f"{summary.steps_done:,} of {summary.config.training.steps:,}"
    progress = {"steps": steps + (", finished" if summary.results is not None else "")}
    if summary.results is None:
        progress["goes on from"] = f"step {summary.resumes_at:,}"
    if not summary.history:
        return progress
    last, best = summary.history[-1], summary.best_record
    progress["tokens seen"] = f"{summary.tokens_seen:,}"
    progress["training time"] = str(datetime.timedelta(seconds=round(summary.training_seconds)))
    progress["last loss"] = f"{last['loss']:.3f}, held-out {last['heldout_loss']:.3f}"
    progress["lowest held-out"] = f"{best['heldout_loss']:.3f} at step {best['step']:,}"
    if summary.results is not None:
        progress["final held-out"] = (
            f"{summary.results['heldout_loss']:.3f}, "
            f"the unigram model's {summary.results['unigram_loss']:.3f}"
        )
    return progress


def _history_table(history):
    columns = ("step", "loss", "accuracy", "held-out loss", "held-out accuracy", "tokens/s")
    return terminal_table(
        "losses",
        [(name, "right") for name in columns],
        [
            (
                f"{record['step']:,}",
                f"{record['loss']:.3f}",
                f"{record['accuracy']:.1%}",
                f"{record['heldout_loss']:.3f}",
                f"{record['heldout_accuracy']:.1%}",
                f"{record['tokens_per_second']:,.0f}",
            )
            for record in _spread(history)
        ],
    )


def _spread(history):
    """Chooses records that are about as far from each other, the first and the last among them."""
    if len(history) <= _MOST_RECORDS:
        return history
    last = len(history) - 1
    return [history[round(place * last / (_MOST_RECORDS - 1))] for place in range(_MOST_RECORDS)]


def _checkpoint_table(checkpoints):
    rows = [
        (
            f"{point.step:,}",
            "-" if point.heldout_loss is None else f"{point.heldout_loss:.3f}",
            "-" if point.size_bytes is None else size_text(point.size_bytes),
            "whole" if point.damage is None else f"damaged: {point.damage}",
        )
        for point in checkpoints
    ]
    columns = [("step", "right"), ("held-out loss", "right"), ("size", "right"), ("", "left")]
    return terminal_table("checkpoints", columns, rows)


def _places(summary):
    places = {"shards": "not in the run's directory", "preset": "not written yet"}
    return places | summary.outputs
