"""Which tensors of a checkpoint hold which variables of ours, and in what layout."""

import dataclasses
from collections.abc import Mapping

import numpy as np

_MAX_NAMES_TOLD = 8


class WeightsMismatchError(ValueError):
    """Tensors of a checkpoint are not those of the model that its configuration describes."""


@dataclasses.dataclass(frozen=True)
class WeightRule:
    """Some variables and the tensors that hold the same numbers.

    The tensors, side by side along their last axis (after transposition), are the variables, side
    by side along theirs. So one rule can give one tensor to one variable, join the projections of
    keys and of values, or cut a projection of queries, keys and values.

    Args:
        variables: mapping from variable paths to shapes.
        tensors: mapping from names of tensors to shapes, as they stand in the checkpoint.
        transposed: bool. Whether the tensors are matrices `(outputs, inputs)`, as PyTorch's linear
            layers have them, where a Keras kernel is `(inputs, outputs)`.
    """

    variables: Mapping[str, tuple[int, ...]]
    tensors: Mapping[str, tuple[int, ...]]
    transposed: bool = False

    def to_variables(self, tensors):
        """Returns a dict from variable paths to arrays, given one from tensor names to arrays."""
        arrays = [tensors[name] for name in self.tensors]
        return _divide([array.T if self.transposed else array for array in arrays], self.variables)

    def to_tensors(self, variables):
        """Returns a dict from tensor names to arrays, given one from variable paths to arrays."""
        shapes = {
            name: shape[::-1] if self.transposed else shape for name, shape in self.tensors.items()
        }
        tensors = _divide([variables[path] for path in self.variables], shapes)
        return {
            name: np.ascontiguousarray(array.T if self.transposed else array)
            for name, array in tensors.items()
        }


def _divide(arrays, shapes):
    """Joins arrays along the last axis and cuts them into others."""
    joined = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)
    borders = np.cumsum([shape[-1] for shape in shapes.values()])[:-1]
    parts = np.split(joined, borders, axis=-1)
    return dict(zip(shapes, map(np.ascontiguousarray, parts), strict=True))


def table(variable, tensor, shape):
    """Returns the rules of a table, such as of embeddings, that both sides hold alike."""
    return [WeightRule({variable: shape}, {tensor: shape})]


def norm(variable, tensor, width):
    """Returns the rules of a layer normalisation."""
    return [
        WeightRule({f"{variable}/gamma": (width,)}, {f"{tensor}.weight": (width,)}),
        WeightRule({f"{variable}/beta": (width,)}, {f"{tensor}.bias": (width,)}),
    ]


def dense(variables, tensors, inputs):
    """Returns the rules of linear layers that read the same input.

    Args:
        variables: mapping from paths of Keras layers to their numbers of outputs.
        tensors: mapping from names of PyTorch layers to theirs; the same outputs in this order.
        inputs: int. Width of the input.
    """
    return [
        WeightRule(
            {f"{path}/kernel": (inputs, width) for path, width in variables.items()},
            {f"{name}.weight": (width, inputs) for name, width in tensors.items()},
            transposed=True,
        ),
        WeightRule(
            {f"{path}/bias": (width,) for path, width in variables.items()},
            {f"{name}.bias": (width,) for name, width in tensors.items()},
        ),
    ]


def tensors_to_variables(rules, tensors, *, copies=None):
    """Converts a checkpoint's tensors, all of which must be used.

    Args:
        rules: sequence of `WeightRule`.
        tensors: mapping from names to arrays.
        copies: mapping from names of tensors that a checkpoint may hold besides to those that they
            repeat, as a tied matrix.

    Returns:
        dict from variable paths to arrays.

    Raises:
        WeightsMismatchError: if tensors are missing, left over or of another shape, or one of
            `copies` is no copy. The message lists them.
    """
    wanted = {name: shape for rule in rules for name, shape in rule.tensors.items()}
    copies = {name: of for name, of in (copies or {}).items() if name in tensors}
    # Of two tensors that are one, a file may hold either.
    tensors = {of: tensors[name] for name, of in copies.items()} | dict(tensors)
    problems = _problems(wanted, copies, tensors)
    if problems:
        raise WeightsMismatchError("; ".join(problems))
    variables = {}
    for rule in rules:
        variables.update(rule.to_variables(tensors))
    return variables


def _problems(wanted, copies, tensors):
    problems = [
        f"{len(names)} tensors {what}: {_listed(names)}"
        for what, names in (
            ("are missing", wanted.keys() - tensors.keys()),
            ("have no place in the model", tensors.keys() - wanted.keys() - copies.keys()),
        )
        if names
    ]
    shapes = {
        name: (tuple(tensors[name].shape), shape)
        for name, shape in wanted.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    }
    problems += [
        f"{name} has shape {given}, where the configuration asks for {asked}"
        for name, (given, asked) in sorted(shapes.items())[:_MAX_NAMES_TOLD]
    ]
    problems += [
        f"{name} is not the copy of {of} that it must be: the model ties them"
        for name, of in copies.items()
        if of in tensors and not np.array_equal(tensors[name], tensors[of])
    ]
    return problems


def _listed(names):
    names = sorted(names)
    rest = len(names) - _MAX_NAMES_TOLD
    return ", ".join(names[:_MAX_NAMES_TOLD]) + (f" and {rest} more" if rest > 0 else "")


def variables_to_tensors(rules, variables):
    """Converts variables into a checkpoint's tensors.

    Args:
        rules: sequence of `WeightRule`.
        variables: mapping from variable paths to arrays, all of the rules'.

    Returns:
        dict from tensor names to arrays.
    """
    tensors = {}
    for rule in rules:
        tensors.update(rule.to_tensors(variables))
    return tensors
