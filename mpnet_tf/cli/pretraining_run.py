"""The whole way from text to a served model, as `mpnet-pretrain` goes it."""

import dataclasses
import functools
import os

from data_prep.prepare import prepare_shards
from mpnet_tf.cli.progress import announce
from mpnet_tf.cli.run_tokenizer import open_run_tokenizer
from mpnet_tf.conversion.model_card import CARD_FILE
from mpnet_tf.data.manifest import MANIFEST_FILE
from mpnet_tf.data.output_directory import (
    appearing_directory,
    explained_write_errors,
    is_free,
    reserve_weights_space,
)
from mpnet_tf.data.shards import first_documents
from mpnet_tf.models.bodies import check_body, make_masked_lm
from mpnet_tf.models.fill_mask import FillMask
from mpnet_tf.models.tokenizers import tokenizer_of_body
from mpnet_tf.objectives import Mixture, TokenRoles
from mpnet_tf.objectives.registry import parse_mixture
from mpnet_tf.serving.export import export_model
from mpnet_tf.training.callbacks import read_metrics
from mpnet_tf.training.model_card import write_model_card
from mpnet_tf.training.pretraining import pretrain
from mpnet_tf.training.pretraining_data import make_objective, open_data
from mpnet_tf.training.run_directory import RunDirectory, environment
from mpnet_tf.training.strategies import is_chief, make_strategy, num_workers
from mpnet_tf.training.warm_start import warm_start_of_run
from mpnet_tf.visualization.blanks import fill_sentences
from mpnet_tf.visualization.report import RunReport, write_report
from mpnet_tf.visualization.slot_example import sentence_example

# What trains a mask to tell which token it stands for, so that the model can fill blanks with them.
_OBJECTIVES_THAT_FILL_MASKS = {"mpnet", "mlm"}

# Enough for ten sentences, few enough to read at once from a corpus of any size.
_DOCUMENTS_FOR_EXAMPLES = 500


def run_pretraining(
    config,
    *,
    patterns,
    vocabulary_path,
    run_directory,
    init_from=None,
    json_field="text",
    strict=False,
):
    """Prepares the data where needed, trains, and writes preset, SavedModel and report.

    The SavedModel, which fills blanks, is written where the objective trains masks.

    Args:
        config: `PretrainingConfig`.
        patterns: list of str, globs of text or one directory of shards; None for the default
            corpus.
        vocabulary_path: str or None. None uses the vocabulary of `init_from`, or trains one on
            the text.
        run_directory: str.
        init_from: str or None. Preset, run directory or checkpoint with the first weights; None
            for random ones. A run that goes on does not read it again.
        json_field: str. The field or column with the text, where the format has such.
        strict: bool. Whether to stop at damaged input rather than leave it out and count it.

    Returns:
        dict of figures and paths.

    Raises:
        ValueError: if the input, the settings or the run directory do not fit.
        OSError: if something cannot be read or written.
    """
    run = RunDirectory(run_directory, config)
    # Settings that are out of range are refused before anything is written.
    make_objective(config, None, config.data.sequence_length)
    check_body(**dataclasses.asdict(config.model))
    # The workers of a cluster find each other before TensorFlow is used for anything else.
    strategy = make_strategy(config.execution)
    warm_start = warm_start_of_run(run, init_from, vocabulary=vocabulary_path)
    set_weights = None
    if warm_start is not None:
        warm_start.check_model(config.model)
        set_weights = warm_start.set_weights
    reading = {"json_field": json_field, "strict": strict}
    if not is_chief(strategy):
        data = _open_data(config, _finished_shards(patterns), warm_start)
        _, results = pretrain(config, data, run, strategy=strategy, warm_start=set_weights)
        return {**results, "run_dir": run.path}
    with run.locked():
        if num_workers(strategy) > 1:
            shards = _finished_shards(patterns)
        else:
            shards = _shards_directory(
                config,
                run,
                warm_start,
                patterns=patterns,
                vocabulary_path=vocabulary_path,
                reading=reading,
            )
        data = _open_data(config, shards, warm_start)
        if warm_start is not None:
            announce(f"beginning from the weights of {warm_start.source.path}")
        model, results = pretrain(config, data, run, strategy=strategy, warm_start=set_weights)
        _announce_results(results, data.objective.names)
        masked_lm = make_masked_lm(model.backbone, lm_head=model.lm_head)
        return {**results, **_write_outputs(config, run, masked_lm, data=data, results=results)}


def _announce_results(results, objective_names):
    announce(
        f"held-out perplexity {results['heldout_perplexity']:.1f}, "
        f"the unigram model's {results['unigram_perplexity']:.1f} "
        f"on the same {results['heldout_predictions']:,} tokens"
    )
    for name in objective_names:
        if f"heldout_{name}_loss" in results:
            announce(
                f"  {name}: held-out loss {results[f'heldout_{name}_loss']:.3f}, "
                f"the unigram model's {results[f'unigram_{name}_loss']:.3f}"
            )


def _finished_shards(patterns):
    """Returns the directory of shards that all workers read."""
    if (
        not patterns
        or len(patterns) > 1
        or not os.path.exists(os.path.join(patterns[0], MANIFEST_FILE))
    ):
        raise ValueError(
            "With several workers, --input must be one directory of shards from mpnet-prepare that "
            f"all of them can read. Received: --input={patterns}"
        )
    return patterns[0]


def _open_data(config, shards, warm_start):
    data = open_data(config, shards)
    if warm_start is not None:
        warm_start.check_tokenizer(data.tokenizer)
    return data


def _shards_directory(config, run, warm_start, *, patterns, vocabulary_path, reading):
    """Returns the directory of shards that the input is, or that are made of it."""
    if patterns and len(patterns) == 1:
        if os.path.exists(os.path.join(patterns[0], MANIFEST_FILE)):
            return patterns[0]
        if os.path.isdir(patterns[0]):
            raise ValueError(
                f"{patterns[0]} is a directory without {MANIFEST_FILE}: neither finished shards "
                "nor text. Make shards with mpnet-prepare, or give a glob of text files."
            )
    tokenizer = open_run_tokenizer(
        config,
        run,
        warm_start,
        patterns=patterns,
        vocabulary_path=vocabulary_path,
        reading=reading,
    )
    # What does not suit the weights, or lacks what the objective needs, is refused before the work.
    if warm_start is not None:
        warm_start.check_tokenizer(tokenizer)
    make_objective(config, TokenRoles.from_tokenizer(tokenizer), config.data.sequence_length)
    announce("preparing shards")
    shards = run.file("shards")
    prepare_shards(
        patterns,
        tokenizer,
        shards,
        num_workers=os.cpu_count() or 1,
        heldout_share=config.data.heldout_share,
        reuse_existing=True,
        **reading,
    )
    return shards


def _write_outputs(config, run, masked_lm, *, data, results):
    """Writes what the run gives; returns the paths. What is there already stays as it is."""
    paths = {"preset": run.file("preset"), "report": run.file("report.html")}
    fills_masks = not _OBJECTIVES_THAT_FILL_MASKS.isdisjoint(data.objective.names)
    if is_free(paths["preset"]):
        with (
            appearing_directory(paths["preset"]) as unfinished,
            explained_write_errors(paths["preset"]),
        ):
            reserve_weights_space(unfinished, masked_lm.variables)
            masked_lm.save_to_preset(unfinished)
            tokenizer = tokenizer_of_body(config.model.body, data.tokenizer.settings())
            tokenizer.save_to_preset(unfinished)
            write_model_card(
                os.path.join(unfinished, CARD_FILE),
                config=config,
                manifest=data.manifest,
                results=results,
                origin=run.origin,
            )
    if fills_masks:
        # A version of a model, as TensorFlow Serving looks for it.
        paths["saved_model"] = os.path.join(run.file("saved_model"), "1")
        if is_free(paths["saved_model"]):
            masked_lm.preprocessor = masked_lm.preprocessor_cls(
                data.tokenizer, sequence_length=masked_lm.backbone.max_sequence_length
            )
            export_model(masked_lm, ["fill_mask"], paths["saved_model"])
    report = _report(config, run, masked_lm if fills_masks else None, data=data, results=results)
    write_report(paths["report"], report)
    announce(f"report: {paths['report']}")
    return {"run_dir": run.path, **paths}


def _report(config, run, masked_lm, *, data, results):
    """Gathers what the report tells; without `masked_lm` it fills no blanks."""
    documents = first_documents(data.heldout_shards, _DOCUMENTS_FOR_EXAMPLES)
    manifest = data.manifest
    return RunReport(
        title=f"Pretraining: {os.path.basename(run.path)}",
        config=config.to_dict(),
        environment=environment(config.training.seed),
        manifest={
            "vocabulary_size": manifest.vocabulary_size,
            **{f"{name}_documents": split.num_documents for name, split in manifest.splits.items()},
            **{f"{name}_tokens": split.num_tokens for name, split in manifest.splits.items()},
            **manifest.reading,
            **manifest.settings,
        },
        history=read_metrics(run.file("metrics.jsonl")),
        results=results,
        blanks=fill_sentences(documents, FillMask(masked_lm, data.tokenizer)) if masked_lm else [],
        examples=_examples(config, documents, data=data),
    )


def _examples(config, documents, *, data):
    """Makes the slots of one sentence by each objective; none where no sentence is found."""

    def make_part(number, length):
        objective = make_objective(config, data.objective.roles, length)
        return objective.objectives[number] if isinstance(objective, Mixture) else objective

    examples = {
        name: sentence_example(documents, data.tokenizer, functools.partial(make_part, number))
        for number, name in enumerate(parse_mixture(config.objective.name))
    }
    return {name: example for name, example in examples.items() if example is not None}
