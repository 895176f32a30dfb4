"""mpnet-evaluate: a tuned model on a task's data to metrics.

    mpnet-evaluate --task=sst2 --preset=tuned/preset --data_dir=glue/SST-2
    mpnet-evaluate --task=text_classification --preset=tuned/preset --eval_file=dev.csv \\
        --text_column=review --label_column=stars --predictions=predictions
"""

from absl import flags

from mpnet_tf.cli import application, task_flags
from mpnet_tf.data.output_directory import appearing_directory, is_free

_PRESET = flags.DEFINE_string(
    "preset", None, "The tuned model: a preset, or a directory of transformers."
)
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "Folder to write with what the model says of each example, not there yet."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Examples at once.", lower_bound=1)

flags.adopt_module_key_flags(task_flags)
flags.mark_flags_as_required(["task", "preset"])


def main(argv):
    """Evaluates as the flags say and returns the metrics."""
    del argv
    if _PREDICTIONS.value and not is_free(_PREDICTIONS.value):
        raise ValueError(f"{_PREDICTIONS.value} is there already. Choose another folder.")
    model, task = task_flags.read_evaluation(_PRESET.value)
    from mpnet_tf.cli.progress import announce

    evaluation = task.evaluate(model, batch_size=_BATCH_SIZE.value)
    for name, value in evaluation.metrics.items():
        announce(f"{name} {value:.4f}")
    if _PREDICTIONS.value:
        with appearing_directory(_PREDICTIONS.value) as directory:
            task.write_predictions(directory, evaluation, name="dev")
    return {"task": task.name, "num_examples": task.num_dev, **evaluation.metrics}


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
