"""The card of a pretrained model: what it is, what it learned from, and how well."""

import os

from mpnet_tf.conversion.model_card import front_matter
from mpnet_tf.data.output_directory import explained_write_errors
from mpnet_tf.training.evaluation import perplexity

_MAX_SOURCES_TOLD = 20


def write_model_card(path, *, config, manifest, results, origin=None):
    """Writes a model card.

    Args:
        path: str. The file.
        config: `PretrainingConfig` of the run.
        manifest: `Manifest` of its data.
        results: dict, as `run_results` returns it.
        origin: dict or None. What the run began from, as a run directory records it.
    """
    sections = [
        front_matter("keras"),
        f"# {config.model.body} pretrained by {config.objective.name}",
        _model_section(config, manifest),
        _data_section(manifest),
        _training_section(config, results, origin),
        _results_section(results),
    ]
    with explained_write_errors(path), open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(sections) + "\n")


def _model_section(config, manifest):
    model = config.model
    return _section(
        "Model",
        f"A transformer encoder with the body `{model.body}`: {model.num_layers} layers, "
        f"{model.num_heads} heads, {model.hidden_dim} wide, {model.intermediate_dim} within the "
        f"feed-forward networks, up to {model.max_sequence_length} positions, and a vocabulary of "
        f"{manifest.vocabulary_size:,} tokens.",
    )


def _data_section(manifest):
    splits = [
        f"* {name}: {split.num_documents:,} documents, {split.num_tokens:,} tokens"
        for name, split in manifest.splits.items()
    ]
    names = [os.path.basename(source.name) for source in manifest.sources]
    told = ", ".join(f"`{name}`" for name in names[:_MAX_SOURCES_TOLD])
    rest = len(names) - _MAX_SOURCES_TOLD
    if rest > 0:
        told += f" and {rest:,} more"
    read = [f"Read from {told}."] if names else []
    return _section("Data", "\n".join(splits), *read)


def _training_section(config, results, origin):
    training, optimizer = config.training, config.optimizer
    rows = [
        ("objective", config.objective.name),
        ("steps", f"{results['steps']:,}"),
        ("rows a step", f"{training.batch_size:,}"),
        ("tokens a row", f"{config.data.sequence_length:,}"),
        ("tokens seen", f"{results['tokens_seen']:,}"),
        ("epochs seen", f"{results['epochs_seen']:.2f}"),
        ("optimizer", optimizer.name),
        ("learning rate", f"{optimizer.learning_rate:g}, {optimizer.schedule}"),
        ("seed", training.seed),
    ]
    if origin is not None:
        rows.append(("began from", f"`{os.path.basename(origin['path'])}`"))
    return _section("Training", _table(("setting", "value"), rows))


def _results_section(results):
    rows = [
        (
            "all",
            f"{results['heldout_predictions']:,}",
            f"{results['heldout_loss']:.4f}",
            f"{results['heldout_perplexity']:.2f}",
            f"{results['heldout_accuracy']:.4f}",
            f"{results['unigram_loss']:.4f}",
        )
    ]
    prefix, suffix = "heldout_", "_predictions"
    for key in results:
        name = key.removeprefix(prefix).removesuffix(suffix)
        if key != prefix + suffix.removeprefix("_") and key == f"{prefix}{name}{suffix}":
            loss = results[f"heldout_{name}_loss"]
            rows.append(
                (
                    name,
                    f"{results[key]:,}",
                    f"{loss:.4f}",
                    f"{perplexity(loss):.2f}",
                    f"{results[f'heldout_{name}_accuracy']:.4f}",
                    f"{results[f'unigram_{name}_loss']:.4f}",
                )
            )
    header = ("objective", "predictions", "loss", "perplexity", "accuracy", "unigram loss")
    return _section(
        "Held-out text",
        "Mean loss in nats of predictions on documents that were not trained on, beside that of a "
        "model that knows the tokens' frequencies alone:",
        _table(header, rows),
    )


def _section(title, *paragraphs):
    return "\n\n".join([f"## {title}", *paragraphs])


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
