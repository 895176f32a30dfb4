"""Fine-tuning with several seeds, and the directory of what came out."""

import dataclasses
import os

from mpnet_tf.conversion.json_files import write_json
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.finetuning.finetuning import finetune
from mpnet_tf.finetuning.model_card import write_finetuned_card
from mpnet_tf.finetuning.seed_figures import figures_over_seeds, told
from mpnet_tf.finetuning.task_choices import write_choices
from mpnet_tf.models.preset_conversion import read_pretrained
from mpnet_tf.visualization.finetuning_report import write_finetuning_report


def run_finetuning(task, settings, *, preset, output, seeds, load_weights=True, tell=None):
    """Fine-tunes a model on a task once for each seed and writes what came out.

    Args:
        task: `FinetuningTask`.
        settings: `FinetuningSettings`.
        preset: str. What the model begins from, as `read_pretrained` takes it.
        output: str. A directory that is not there or empty. It gets `preset/` (the model of the
            seed with the best headline metric), `results.json`, `report.html`, `predictions/` with
            a file for each seed, and what `task.write_test` writes. It appears when all is written.
        seeds: sequence of int, no two alike.
        load_weights: bool. Whether the body has its weights; it starts anew otherwise.
        tell: callable given a line of text for the user now and then, or None.

    Returns:
        dict, what `results.json` holds and the paths.

    Raises:
        ValueError: if there is something at `output`, a seed is given twice, or an example or a
            setting does not fit the task.
        OSError: if the output cannot be written.
    """
    if not is_free(output):
        raise ValueError(f"{output} is there already. Choose another output, or remove it.")
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"`seeds` must be different numbers. Received: seeds={list(seeds)}")
    if settings.class_weights != "none" and not task.weighs_classes:
        raise ValueError(
            f"`class_weights` must be left out with the task {task.name}, which classifies no "
            f"texts. Received: class_weights={settings.class_weights!r}"
        )
    tell = tell or (lambda line: None)
    pretrained = read_pretrained(preset)
    with appearing_directory(output) as directory, explained_write_errors(output):
        os.mkdir(os.path.join(directory, "predictions"))
        runs, best, best_evaluation = [], None, None
        for seed in seeds:
            model = task.make_model(pretrained, settings, seed=seed, load_weights=load_weights)
            run, evaluation = _run(model, task, settings, seed=seed, tell=tell)
            runs.append(run)
            task.write_predictions(
                os.path.join(directory, "predictions"), evaluation, name=f"dev_seed_{seed}"
            )
            if best is None or _score(run, task) > _score(best, task):
                best, best_evaluation = run, evaluation
                _write_model(model, task, directory)
                task.write_test(directory, model, batch_size=settings.batch_size)
        results = {
            "task": task.name,
            "headline_metric": task.headline_metric,
            "metrics": figures_over_seeds([run["metrics"] for run in runs]),
            "best_seed": best["seed"],
            "began_from": os.path.basename(os.path.normpath(preset)) if load_weights else None,
            "body": pretrained.body,
            "num_train": task.num_train,
            "num_dev": task.num_dev,
            "settings": {**dataclasses.asdict(settings), **task.choices},
            "runs": runs,
        }
        for name, figure in results["metrics"].items():
            tell(f"{name}  {told(figure)}")
        write_json(results, os.path.join(directory, "results.json"))
        write_finetuned_card(os.path.join(directory, "preset", "README.md"), task, results)
        write_finetuning_report(
            os.path.join(directory, "report.html"), results, task.make_pictures(best_evaluation)
        )
    names = {"preset": "preset", "report": "report.html", "results": "results.json"}
    paths = {key: os.path.join(output, name) for key, name in names.items()}
    return {"output": output, **paths, **results}


def _run(model, task, settings, *, seed, tell):
    def tell_epoch(record):
        metrics = "  ".join(f"{name} {record[name]:.4f}" for name in task.metrics)
        tell(
            f"seed {seed}  epoch {record['epoch']}/{settings.epochs}  loss {record['loss']:.4f}  "
            f"{metrics}  {record['seconds']:.0f} s"
        )

    history = finetune(model, task, settings, seed=seed, on_epoch=tell_epoch)
    evaluation = task.evaluate(model, batch_size=settings.batch_size)
    return {"seed": seed, "metrics": evaluation.metrics, "history": history}, evaluation


def _score(run, task):
    return run["metrics"][task.headline_metric]


def _write_model(model, task, directory):
    """Saves a model in the place of one with a lower score."""
    path = os.path.join(directory, "preset")
    os.makedirs(path, exist_ok=True)
    model.save_to_preset(path)
    write_choices(path, task)
