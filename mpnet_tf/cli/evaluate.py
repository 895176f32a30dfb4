"""mpnet-evaluate: a tuned model on a task's data to metrics.

    mpnet-evaluate --task=sst2 --preset=tuned/preset --data_dir=glue/SST-2
    mpnet-evaluate --task=text_classification --preset=tuned/preset --eval_file=dev.csv \\
        --text_column=review --label_column=stars --predictions=predictions.tsv
"""

import os

from absl import flags

from mpnet_tf.cli import application, task_flags

_PRESET = flags.DEFINE_string(
    "preset", None, "The tuned model: a preset, or a directory of transformers."
)
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "Table to write with what the model says of each example, not there yet."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Examples at once.", lower_bound=1)

flags.adopt_module_key_flags(task_flags)
flags.mark_flags_as_required(["task", "preset"])


def main(argv):
    """Evaluates as the flags say and returns the metrics."""
    del argv
    if _PREDICTIONS.value and os.path.exists(_PREDICTIONS.value):
        raise ValueError(f"{_PREDICTIONS.value} is there already. Choose another file.")
    from mpnet_tf.cli.progress import announce
    from mpnet_tf.finetuning.prediction_file import write_predictions
    from mpnet_tf.finetuning.text_finetuning import evaluate_text_model, open_text_model

    model = open_text_model(_PRESET.value)
    data = task_flags.read_task_data(trains=False, class_names=model.class_names)
    if model.num_classes != data.task.num_outputs:
        raise ValueError(
            f"The model at {_PRESET.value} has {model.num_classes} outputs, where the task "
            f"{data.task.name} has {data.task.num_outputs}. Fine-tune one with mpnet-finetune."
        )
    task = data.task.in_order_of(model.class_names)
    evaluation = evaluate_text_model(model, task, data.dev, batch_size=_BATCH_SIZE.value)
    for name, value in evaluation.metrics.items():
        announce(f"{name} {value:.4f}")
    if _PREDICTIONS.value:
        write_predictions(_PREDICTIONS.value, data.dev, evaluation.answers)
    return {"task": data.task.name, "num_examples": len(data.dev), **evaluation.metrics}


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
