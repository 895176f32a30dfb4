"""Beginning a run from trained weights."""

import dataclasses
import os

from absl import logging

from mpnet_tf.training.trained_weights import read_trained_weights

# What a model may be trained on with, whatever its weights were trained with before.
_FREE_SETTINGS = {"dropout", "attention_dropout", "initializer_stddev", "dtype"}
_MAX_PROBLEMS_TOLD = 5


class WarmStart:
    """Checks that trained weights suit a run, and gives them to its model.

    The model's weights are all that is taken: optimizer, step and schedule begin anew.

    Args:
        source: `TrainedWeights`.
    """

    def __init__(self, source):
        self.source = source

    def origin(self):
        """Returns what a run directory records of it: a dict of JSON values."""
        return {
            "path": os.path.abspath(self.source.path),
            "kind": self.source.kind,
            "weights": self.source.hashes,
        }

    def check_model(self, config):
        """Checks that a model of the config gives the weights the meaning that they have.

        Args:
            config: `ModelConfig`. Dropout, initialiser and dtype may be others.

        Raises:
            ValueError: if another setting differs.
        """
        wanted = {
            name: value
            for name, value in dataclasses.asdict(config).items()
            if name not in _FREE_SETTINGS and name in self.source.model_settings
        }
        differing = [name for name in wanted if wanted[name] != self.source.model_settings[name]]
        if not differing:
            return
        told = [
            f"model.{name}: {wanted[name]} in the config, {self.source.model_settings[name]} in "
            f"the {self.source.kind}"
            for name in differing
        ]
        flags = [f"--config.model.{name}={self.source.model_settings[name]}" for name in differing]
        remedy = f"Set {' '.join(flags)}, or begin from other weights."
        if "max_sequence_length" in differing:
            remedy += (
                " A position table is not made longer or shorter; rows shorter than it are set by "
                "`data.sequence_length`."
            )
        raise ValueError(
            "`init_from` must hold weights of a model with the config's settings. Received: "
            f"init_from={self.source.path!r} with {'; '.join(told)}. {remedy}"
        )

    def check_tokenizer(self, tokenizer):
        """Checks that a run's token ids mean what they meant to the weights.

        Args:
            tokenizer: `TransformerTokenizer` of the run. Where that of the weights is not known, a
                warning says so.

        Raises:
            ValueError: if it is another than that of the weights.
        """
        if self.source.tokenizer_fingerprint is None:
            logging.warning(
                "%s does not tell the vocabulary of its weights; they are taken to be for the "
                "%d tokens of this run.",
                self.source.path,
                tokenizer.vocabulary_size(),
            )
        elif tokenizer.fingerprint != self.source.tokenizer_fingerprint:
            raise ValueError(
                "The run's tokenizer must be that of the weights in `init_from`. Received: "
                f"init_from={self.source.path!r}, {self._tokenizer_difference(tokenizer)}"
            )

    def _tokenizer_difference(self, tokenizer):
        """Tells what differs, and the remedy."""
        own = self.source.tokenizer
        if own is None:
            return (
                "with another vocabulary or casing. Use the vocabulary that the weights were "
                "trained with."
            )
        tokens, own_tokens = tokenizer.get_vocabulary(), own.get_vocabulary()
        pairs = zip(tokens, own_tokens, strict=False)
        first = next((id for id, (token, other) in enumerate(pairs) if token != other), None)
        told = []
        if len(tokens) != len(own_tokens):
            told.append(self._token_difference("tokens", len(tokens), len(own_tokens)))
        if first is not None:
            told.append(self._token_difference(f"token {first}", tokens[first], own_tokens[first]))
        if tokenizer.lowercase != own.lowercase:
            told.append(self._token_difference("lowercase", tokenizer.lowercase, own.lowercase))
        return (
            f"with {'; '.join(told) or 'another way to cut text'}. Make the shards with "
            f"--vocab={self.source.tokenizer_path}, or begin from text without --vocab."
        )

    def _token_difference(self, name, given, own):
        return f"{name}: {given} in the new run, {own} in the {self.source.kind}"

    def set_weights(self, model):
        """Gives a model the weights, in its own dtypes.

        Args:
            model: built `Pretrainer`.

        Raises:
            ValueError: if the weights are not exactly those of the model, all of its shapes. The
                model is then unchanged.
        """
        weights = self.source.weights
        variables = {variable.path: variable for variable in model.weights}
        problems = [f"{path} is missing" for path in variables.keys() - weights.keys()]
        problems += [f"{path} is left over" for path in weights.keys() - variables.keys()]
        for path in weights.keys() & variables.keys():
            shape, wanted = weights[path].shape, tuple(variables[path].shape)
            if shape != wanted:
                problems.append(f"{path} has shape {shape}, not {wanted}")
        if problems:
            told = "; ".join(sorted(problems)[:_MAX_PROBLEMS_TOLD])
            raise ValueError(
                "`init_from` must hold the weights of the run's model, all of them. Received: "
                f"init_from={self.source.path!r}, with {len(problems)} that differ: {told}. "
                "Use the vocabulary and the settings of `model` that the weights were trained with."
            )
        for path, variable in variables.items():
            variable.assign(weights[path].astype(variable.dtype))


def warm_start_of_run(run, init_from, *, vocabulary=None):
    """Opens what a run is to begin from, unless it goes on from a checkpoint of its own.

    Args:
        run: `RunDirectory`, which is told what to record when it begins.
        init_from: str or None. As `open_warm_start` takes it.
        vocabulary: str or None. As `open_warm_start` takes it.

    Returns:
        `WarmStart`, or None where none is needed.

    Raises:
        ValueError: if the run was begun from other weights, or as `open_warm_start`.
    """
    if init_from is None and (run.has_checkpoint or not run.is_begun or run.origin is None):
        return None
    before = run.origin
    if run.is_begun and (init_from is None or before is None):
        begun_from = "random weights" if before is None else f"the weights of {before['path']}"
        remedy = "without --init_from" if before is None else f"with --init_from={before['path']}"
        raise ValueError(
            f"{run.path} belongs to a run that was begun from {begun_from}. "
            f"Received: init_from={init_from!r}. Start it again {remedy}, or choose another run "
            "directory."
        )
    if run.has_checkpoint and os.path.abspath(init_from) == before["path"]:
        return None
    warm_start = open_warm_start(init_from, vocabulary=vocabulary)
    if before is not None and before["weights"] != warm_start.source.hashes:
        raise ValueError(
            f"{run.path} belongs to a run that was begun from other weights, once in "
            f"{before['path']}. Received: init_from={init_from!r}. Give the weights that it was "
            "begun from, or choose another run directory."
        )
    run.begin_from(warm_start.origin())
    return None if run.has_checkpoint else warm_start


def open_warm_start(path, *, vocabulary=None):
    """Reads what a run is to begin from.

    Args:
        path, vocabulary: as `read_trained_weights` takes them.

    Returns:
        `WarmStart`.

    Raises:
        ValueError: as `read_trained_weights`.
    """
    return WarmStart(read_trained_weights(path, vocabulary=vocabulary))
