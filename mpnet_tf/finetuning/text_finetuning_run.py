"""Fine-tuning with several seeds, and the directory of what came out."""

import dataclasses
import os

from mpnet_tf.conversion.json_files import write_json
from mpnet_tf.data.output_directory import appearing_directory, explained_write_errors, is_free
from mpnet_tf.finetuning.encoded_texts import encode_texts
from mpnet_tf.finetuning.glue import GLUE_TASKS, write_submission
from mpnet_tf.finetuning.model_card import write_finetuned_card
from mpnet_tf.finetuning.prediction_file import write_predictions
from mpnet_tf.finetuning.seed_figures import figures_over_seeds
from mpnet_tf.finetuning.text_finetuning import (
    evaluate_text_model,
    finetune_text_model,
    make_text_model,
)
from mpnet_tf.models.preset_conversion import read_pretrained
from mpnet_tf.visualization.finetuning_report import FinetuningReport, write_finetuning_report


def run_text_finetuning(
    task, train, dev, settings, *, preset, output, seeds, test=None, load_weights=True, tell=None
):
    """Fine-tunes a model on a task once for each seed and writes what came out.

    Args:
        task: `TextTask`.
        train, dev: `LabelledTexts` with labels.
        settings: `FinetuningSettings`.
        preset: str. What the model begins from, as `read_pretrained` takes it.
        output: str. A directory that is not there or empty. It gets `preset/` (the model of the
            seed with the best headline metric on `dev`), `results.json`, `report.html`,
            `predictions/` with a table for each seed, and `submission/` where GLUE has the task and
            `test` is given. It appears when all is written.
        seeds: sequence of int, no two alike.
        test: `LabelledTexts` without labels, or None.
        load_weights: bool. Whether the body has its weights; it starts anew otherwise.
        tell: callable given a line of text for the user now and then, or None.

    Returns:
        dict, what `results.json` holds and the paths.

    Raises:
        ValueError: if there is something at `output`, a seed is given twice, or a label is unknown.
        OSError: if the output cannot be written.
    """
    if not is_free(output):
        raise ValueError(f"{output} is there already. Choose another output, or remove it.")
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"`seeds` must be different numbers. Received: seeds={list(seeds)}")
    tell = tell or (lambda line: None)
    pretrained = read_pretrained(preset)
    with appearing_directory(output) as directory, explained_write_errors(output):
        predictions = os.path.join(directory, "predictions")
        os.mkdir(predictions)
        runs, best, encoded = [], None, (train, dev)
        for seed in seeds:
            model = make_text_model(
                pretrained, task, settings, seed=seed, load_weights=load_weights
            )
            # Once for all seeds, so that what is too long is told once.
            encoded = [encode_texts(examples, task, model.preprocessor) for examples in encoded]
            run, evaluation = _run(model, task, *encoded, settings, seed=seed, tell=tell)
            write_predictions(
                os.path.join(predictions, f"dev_seed_{seed}.tsv"), dev, evaluation.answers
            )
            runs.append(run)
            score = run["metrics"][task.headline_metric]
            if best is None or score > best["metrics"][task.headline_metric]:
                best = run
                _write_model(model, directory)
                if test is not None:
                    answers = evaluate_text_model(model, task, test).answers
            if best is run:
                best_evaluation = evaluation
        results = {
            "task": task.name,
            "headline_metric": task.headline_metric,
            "metrics": figures_over_seeds([run["metrics"] for run in runs]),
            "best_seed": best["seed"],
            "began_from": os.path.basename(os.path.normpath(preset)) if load_weights else None,
            "body": pretrained.body,
            "num_train": len(train),
            "num_dev": len(dev),
            "settings": dataclasses.asdict(settings),
            "runs": runs,
        }
        if test is not None:
            _write_test(directory, task, test, answers)
        write_json(results, os.path.join(directory, "results.json"))
        write_finetuned_card(os.path.join(directory, "preset", "README.md"), task, results)
        write_finetuning_report(
            os.path.join(directory, "report.html"),
            FinetuningReport(task, results, targets=dev.labels, answers=best_evaluation.answers),
        )
    names = {"preset": "preset", "report": "report.html", "results": "results.json"}
    paths = {key: os.path.join(output, name) for key, name in names.items()}
    return {"output": output, **paths, **results}


def _run(model, task, train, dev, settings, *, seed, tell):
    def tell_epoch(record):
        metrics = "  ".join(f"{name} {record[name]:.4f}" for name in task.metrics)
        tell(
            f"seed {seed}  epoch {record['epoch']}/{settings.epochs}  loss {record['loss']:.4f}  "
            f"{metrics}  {record['seconds']:.0f} s"
        )

    history = finetune_text_model(model, task, train, dev, settings, seed=seed, on_epoch=tell_epoch)
    evaluation = evaluate_text_model(model, task, dev, batch_size=settings.batch_size)
    run = {"seed": seed, "metrics": evaluation.metrics, "history": history}
    return run, evaluation


def _write_model(model, directory):
    """Saves a model in the place of one with a lower score."""
    path = os.path.join(directory, "preset")
    os.makedirs(path, exist_ok=True)
    model.save_to_preset(path)


def _write_test(directory, task, test, answers):
    write_predictions(os.path.join(directory, "predictions", "test.tsv"), test, answers)
    if task.name in GLUE_TASKS:
        write_submission(task.name, answers, os.path.join(directory, "submission"))
