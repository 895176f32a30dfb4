"""What a pretraining run reads: rows of its shards, and the objective made for them."""

import dataclasses
import os

from mpnet_tf.data.manifest import TOKENIZER_DIRECTORY, read_manifest
from mpnet_tf.data.packed_rows import PackedRows
from mpnet_tf.data.shards import TokenShards
from mpnet_tf.models.tokenizers import open_tokenizer
from mpnet_tf.models.vocabulary_tokenizer import VocabularyTokenizer
from mpnet_tf.objectives import TokenRoles
from mpnet_tf.objectives import registry as objectives


@dataclasses.dataclass(frozen=True)
class PretrainingData:
    """All that a run reads.

    Attributes:
        manifest: `Manifest` of the shards.
        tokenizer: `VocabularyTokenizer` that made them.
        objective: an objective of `mpnet_tf.objectives`, or a mixture.
        rows: `PackedRows` of the training split.
        heldout_rows: `PackedRows` of the held-out split.
        token_counts: int array `(vocabulary_size,)`, of the training split.
        heldout_shards: `TokenShards`.
    """

    manifest: object
    tokenizer: VocabularyTokenizer
    objective: object
    rows: PackedRows
    heldout_rows: PackedRows
    token_counts: object
    heldout_shards: TokenShards


def open_data(config, shards_directory):
    """Opens the shards of a run and plans its rows.

    Args:
        config: `PretrainingConfig`.
        shards_directory: str. As `mpnet-prepare` writes it.

    Returns:
        `PretrainingData`.

    Raises:
        ValueError: if the shards are damaged or of another tokenizer, hold no held-out text, or
            the objective's settings are out of range.
    """
    manifest = read_manifest(shards_directory)
    tokenizer = open_tokenizer(os.path.join(shards_directory, TOKENIZER_DIRECTORY))
    objective = make_objective(
        config, TokenRoles.from_tokenizer(tokenizer), config.data.sequence_length
    )
    splits = {
        split: TokenShards.open(
            shards_directory, split, tokenizer_fingerprint=tokenizer.fingerprint
        )
        for split in ("train", "heldout")
    }
    for split, shards in splits.items():
        if not shards.num_documents:
            raise ValueError(
                f"{shards_directory} has no document in its {split!r} split. "
                "Give more text, or another `data.heldout_share`."
            )
    rows = {
        split: PackedRows(
            shards,
            config.data.sequence_length,
            config.training.seed,
            start_token_id=tokenizer.start_token_id,
            end_token_id=tokenizer.end_token_id,
            pad_token_id=tokenizer.pad_token_id,
            places_needed=objective.places_needed,
        )
        for split, shards in splits.items()
    }
    return PretrainingData(
        manifest=manifest,
        tokenizer=tokenizer,
        objective=objective,
        rows=rows["train"],
        heldout_rows=rows["heldout"],
        token_counts=splits["train"].token_counts(),
        heldout_shards=splits["heldout"],
    )


def make_objective(config, roles, sequence_length):
    """Makes the objective of a run for rows of some length.

    Args:
        config: `PretrainingConfig`.
        roles: `TokenRoles` of the vocabulary; None only checks the settings.
        sequence_length: int. Tokens in a row; for another than the config's, such as that of one
            sentence, settings in tokens are made to fit.

    Returns:
        An objective of `mpnet_tf.objectives`, or a `Mixture`.

    Raises:
        ValueError: if the settings are out of range.
    """
    settings = config.objective.settings()
    if sequence_length != config.data.sequence_length:
        settings["num_predictions"] = settings["max_span_length"] = None
        settings["mean_span_length"] = min(settings["mean_span_length"], float(sequence_length))
    return objectives.make_objective(config.objective.name, roles, sequence_length, **settings)
