"""The card of a fine-tuned model: what it does, how it was trained, and how well it does it."""

import json

from mpnet_tf.conversion.model_card import front_matter
from mpnet_tf.finetuning.seed_figures import told


def write_finetuned_card(path, task, results):
    """Writes a model card.

    Args:
        path: str. The file.
        task: `FinetuningTask`.
        results: dict, as `run_finetuning` returns it.
    """
    origin = results["began_from"]
    began = f"from `{origin}`" if origin else "from random weights"
    rows = [("metric", f"seeds: {len(results['runs'])}"), ("---", "---")]
    rows += [(name, told(figure)) for name, figure in results["metrics"].items()]
    sections = [
        front_matter("keras"),
        f"# {results['body']} fine-tuned for {task.name}",
        f"{task.description} Trained {began} on {results['num_train']:,} examples.",
        f"## Results on {results['num_dev']:,} examples that were not trained on",
        "\n".join(f"| {name} | {value} |" for name, value in rows),
        f"The weights here are those of seed {results['best_seed']}, the best by "
        f"{task.headline_metric}.",
        "## Settings",
        f"```json\n{json.dumps(results['settings'], indent=2)}\n```",
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(sections) + "\n")
