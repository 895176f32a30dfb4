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
    "dimensions",
    None,
    "Matryoshka: numbers of first dimensions that are to serve by themselves. mpnet-evaluate takes "
    "those of the training, unless told otherwise.",
)
_NEGATIVE_COLUMNS = flags.DEFINE_list(
    "negative_columns", [], "With --objective=contrastive: columns of hard negatives."
)
_DOCUMENT_PAIRS = flags.DEFINE_enum(
    "document_pairs",
    "titles",
    ["titles", "neighbours"],
    "What the pairs of a .txt file are, whose documents have a line for each sentence or paragraph "
    "and blank lines between them: a first line and what follows it, or a line and the next.",
)
_SCALE = flags.DEFINE_float("scale", _DEFAULTS.scale, "One over the loss's temperature.")


def read_task(files):
    """Returns the `EmbeddingFinetuning` that the flags ask for."""
    files.refuse_test()
    settings = EmbeddingSettings(
        objective=_OBJECTIVE.value,
        pooling=_POOLING.value,
        chunk_size=_CHUNK_SIZE.value,
        dimensions=_dimensions(()),
        scale=_SCALE.value,
    )
    return _task(files, settings, trains=True)


def read_evaluation(preset, files):
    """Returns an embedder, and the task to evaluate it on."""
    from mpnet_tf.finetuning.task_choices import read_choices
    from mpnet_tf.finetuning.tuned_model import open_tuned_model

    model = open_tuned_model(preset, "text_embedder")
    dimensions = _dimensions(read_choices(preset).get("dimensions", ()))
    settings = EmbeddingSettings(pooling=model.pooling, dimensions=dimensions)
    return model, _task(files, settings, trains=False)


def _dimensions(default):
    try:
        return tuple(default if _DIMENSIONS.value is None else map(int, _DIMENSIONS.value))
    except ValueError:
        raise application.UsageError(
            f"--dimensions must be whole numbers with commas between. Received: {_DIMENSIONS.value}"
        ) from None


def _task(files, settings, *, trains):
    from mpnet_tf.finetuning.embedding_finetuning import EmbeddingFinetuning

    if DATA_DIR.value is not None:
        if files.train or files.evaluation:
            raise application.UsageError("--data_dir stands for both files: leave out the files")
        return EmbeddingFinetuning(*_read_stsb(settings, trains), settings)
    files.require(*(["train"] if trains else []), "evaluation")
    train = _read_train(files.train, settings.objective) if trains else None
    return EmbeddingFinetuning(train, _read_pairs(files.evaluation), settings)


def _read_stsb(settings, trains):
    from mpnet_tf.finetuning.glue import read_glue

    if trains and settings.objective not in embedding_settings.SCORED_OBJECTIVES:
        raise application.UsageError(
            "--data_dir is a folder of STS-B, whose pairs have scores: take --objective=cosent or "
            f"cosine. Received: --objective={settings.objective}"
        )
    train = read_glue("stsb", DATA_DIR.value, "train") if trains else None
    return train, read_glue("stsb", DATA_DIR.value, "dev")


def _read_train(path, objective):
    from mpnet_tf.finetuning.document_pairs import read_documents
    from mpnet_tf.finetuning.table_files import read_text_columns

    if objective in embedding_settings.SCORED_OBJECTIVES:
        return _read_scored_pairs(path)
    if objective in embedding_settings.TEXT_OBJECTIVES:
        if path.endswith(".txt"):
            return [line for document in read_documents(path) for line in document]
        return read_text_columns(path, [TEXT_COLUMN.value])[0]
    if path.endswith(".txt"):
        pairs = _document_pairs(path)
        return pairs.texts, pairs.pairs
    return read_text_columns(path, [TEXT_COLUMN.value, _pair_column(), *_NEGATIVE_COLUMNS.value])


def _read_pairs(path):
    """Reads the pairs to evaluate on, with their scores where the table has them."""
    from mpnet_tf.finetuning.table_files import read_labelled_texts, read_table

    if path.endswith(".txt"):
        return _document_pairs(path)
    if LABEL_COLUMN.value in read_table(path):
        return _read_scored_pairs(path)
    return read_labelled_texts(path, text=TEXT_COLUMN.value, pair=_pair_column())


def _read_scored_pairs(path):
    from mpnet_tf.finetuning.table_files import read_labelled_texts

    return read_labelled_texts(
        path,
        text=TEXT_COLUMN.value,
        pair=_pair_column(),
        label=LABEL_COLUMN.value,
        numeric_labels=True,
    )


def _document_pairs(path):
    from mpnet_tf.finetuning.document_pairs import neighbour_pairs, read_documents, title_pairs

    make_pairs = title_pairs if _DOCUMENT_PAIRS.value == "titles" else neighbour_pairs
    return make_pairs(read_documents(path), source=path)


def _pair_column():
    if PAIR_COLUMN.value is None:
        raise application.UsageError(
            "--pair_column must name the column of the second texts with --task=text_embedding"
        )
    return PAIR_COLUMN.value
