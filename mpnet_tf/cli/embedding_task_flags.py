"""Sentence embeddings, as the command line asks for them."""

from absl import flags

from mpnet_tf.cli import application
from mpnet_tf.cli.task_files import DATA_DIR, LABEL_COLUMN, PAIR_COLUMN, TEXT_COLUMN
from mpnet_tf.finetuning import embedding_settings
from mpnet_tf.finetuning.embedding_settings import EmbeddingSettings

TASKS = ("text_embedding",)

_DEFAULTS = EmbeddingSettings()
_OBJECTIVE = flags.DEFINE_enum(
    "objective",
    _DEFAULTS.objective,
    embedding_settings.OBJECTIVES,
    "With --task=text_embedding: what the embedder is trained for. contrastive takes the columns "
    "of texts and their partners, cosent and cosine besides them a column of scores, simcse and "
    "denoising a file of one text a line, or a table's column of texts.",
)
_POOLING = flags.DEFINE_string(
    "pooling", _DEFAULTS.pooling, "How the tokens become one vector: mean, cls, max."
)
_CHUNK_SIZE = flags.DEFINE_integer(
    "chunk_size", None, "Texts in memory at a time, for batches larger than memory.", lower_bound=1
)
_DIMENSIONS = flags.DEFINE_list(
    "dimensions", [], "Matryoshka: numbers of first dimensions that are to serve by themselves."
)
_NEGATIVE_COLUMNS = flags.DEFINE_list(
    "negative_columns", [], "With --objective=contrastive: columns of hard negatives."
)
_SCALE = flags.DEFINE_float("scale", _DEFAULTS.scale, "One over the loss's temperature.")


def read_task(files):
    """Returns the `EmbeddingFinetuning` that the flags ask for."""
    files.refuse_test()
    try:
        dimensions = tuple(int(number) for number in _DIMENSIONS.value)
    except ValueError:
        raise application.UsageError(
            f"--dimensions must be whole numbers with commas between. Received: {_DIMENSIONS.value}"
        ) from None
    settings = EmbeddingSettings(
        objective=_OBJECTIVE.value,
        pooling=_POOLING.value,
        chunk_size=_CHUNK_SIZE.value,
        dimensions=dimensions,
        scale=_SCALE.value,
    )
    return _task(files, settings, trains=True)


def read_evaluation(preset, files):
    """Returns an embedder, and the task to evaluate it on."""
    from mpnet_tf.finetuning.tuned_model import open_tuned_model

    model = open_tuned_model(preset, "text_embedder")
    return model, _task(files, EmbeddingSettings(pooling=model.pooling), trains=False)


def _task(files, settings, *, trains):
    from mpnet_tf.finetuning.embedding_finetuning import EmbeddingFinetuning

    if DATA_DIR.value is not None:
        if files.train or files.evaluation:
            raise application.UsageError("--data_dir stands for both files: leave out the files")
        train, dev = _read_stsb(settings, trains)
    else:
        files.require(*(["train"] if trains else []), "evaluation")
        train = _read_train(files.train, settings) if trains else None
        dev = _read_pairs(files.evaluation, scored=_has_column(files.evaluation))
    return EmbeddingFinetuning(train, dev, settings)


def _read_stsb(settings, trains):
    from mpnet_tf.finetuning.glue import read_glue

    if trains and settings.objective not in embedding_settings.SCORED_OBJECTIVES:
        raise application.UsageError(
            "--data_dir is a folder of STS-B, whose pairs have scores: take --objective=cosent or "
            f"cosine. Received: --objective={settings.objective}"
        )
    train = read_glue("stsb", DATA_DIR.value, "train") if trains else None
    return train, read_glue("stsb", DATA_DIR.value, "dev")
