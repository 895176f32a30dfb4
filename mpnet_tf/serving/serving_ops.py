"""Whether stock TensorFlow Serving has the ops of a SavedModel.

`serving_ops.json` lists, for each release, the ops that came with it, grouped by their attributes,
the attributes that older ops gained with their defaults, and the types and other values that older
attributes gained: those of TensorFlow's core that a CPU runs, and of the tensorflow_text that the
server links (2.12.1 in all releases up to 2.19.1, 2.20 in 2.20.0). `make_serving_ops` makes it
again.

What the list cannot tell: for which types a server has kernels, where the op allows more. The
decision forests' ops, which the server links as well, are not in it.
"""

import functools
import itertools
import json
import os
import pathlib

from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

_FILE = pathlib.Path(__file__).with_name("serving_ops.json")
# What a server may leave out: names of variables, for people who debug, and marks of products that
# belong to a gradient, which are computed like any other.
_WITHOUT_EFFECT = {
    ("VarHandleOp", "debug_name"),
    *itertools.product(["MatMul"], ["grad_a", "grad_b"]),
    *itertools.product(["BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"], ["grad_x", "grad_y"]),
}


@functools.cache
def _lists():
    return json.loads(_FILE.read_text(encoding="utf-8"))


@functools.cache
def _first_releases():
    """Returns for each op a dict from itself and its attributes to the releases they came with."""
    lists = _lists()
    first = {}
    for release, groups in lists["ops"].items():
        for attributes, ops in groups.items():
            for op in ops:
                first[op] = {None: release, **dict.fromkeys(attributes.split(), release)}
    for release, ops in lists["attributes"].items():
        for op, attributes in ops.items():
            first[op].update(dict.fromkeys(attributes, release))
    return first


@functools.cache
def _later_values():
    """Returns a dict from triples of op, attribute and value to the releases they came with."""
    return {
        (op, attribute, value): release
        for release, ops in _lists()["values"].items()
        for op, attributes in ops.items()
        for attribute, values in attributes.items()
        for value in values
    }


@functools.cache
def _later_defaults():
    """Returns a dict from pairs of op and attribute to the default, of those that came later."""
    return {
        (op, attribute): default
        for ops in _lists()["attributes"].values()
        for op, attributes in ops.items()
        for attribute, default in attributes.items()
    }


def releases():
    """Returns the names of the releases that are known, oldest first."""
    return tuple(_lists()["releases"])


def known_ops():
    """Returns the names of the ops that the newest release has."""
    return frozenset(_first_releases())


def used_ops(saved_model_directory):
    """Lists the ops of a SavedModel.

    Args:
        saved_model_directory: str. The SavedModel.

    Returns:
        dict from names of ops to lists of their nodes (`NodeDef`).

    Raises:
        OSError: if there is no `saved_model.pb` to read.
    """
    path = os.path.join(saved_model_directory, "saved_model.pb")
    with open(path, "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    used = {}
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        functions = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node]
        for function in graph.library.function:
            nodes.extend(function.node_def)
        for node in nodes:
            # A node may call a function of the library by its name.
            if node.op not in functions:
                used.setdefault(node.op, []).append(node)
    return used


def check_release(since):
    """Checks the name of a release.

    Args:
        since: str.

    Raises:
        ValueError: if it is none of `releases()`.
    """
    if since not in releases():
        raise ValueError(
            f"`since` must be one of {', '.join(releases())}. Received: since={since!r}"
        )


def check_ops(directory, *, since="2.12.1"):
    """Checks that every release of TensorFlow Serving from one on has the ops of a SavedModel.

    Attributes count too, unless they have their default: a release that does not know one leaves
    it out. TensorFlow 2.12 then failed to load `TopKV2` with an `index_type`, and loaded `GatherNd`
    with a `bad_indices_policy` but failed when it was called. So do values that an attribute did
    not allow: it loaded `AsString` of strings but failed when it was called.

    Args:
        directory: str. The SavedModel.
        since: str. One of `releases()`.

    Raises:
        OSError: if there is no `saved_model.pb` to read.
        ValueError: if `since` is no known release, or the model has an op, an attribute or a value
            of one that it lacks; the message names each, with the first release that has it.
    """
    check_release(since)
    # A dict for its order: each problem once.
    missing = {}
    for op, nodes in sorted(used_ops(directory).items()):
        first = _first_releases().get(op, {})
        # Of an op that is not there, the attributes tell nothing more.
        if problem := _problem(op, first.get(None), since):
            missing[problem] = None
            continue
        for node in nodes:
            missing.update(dict.fromkeys(_problems_of_node(node, first, since)))
    if missing:
        raise ValueError(
            f"The model needs what TensorFlow Serving {since} lacks: {'; '.join(missing)}. Leave "
            "out the signatures that use it or, where a later release has it, ask for that release "
            "(`since`; mpnet-export: --since)."
        )


def _problems_of_node(node, first, since):
    """Yields what is wrong with the attributes of a node."""
    for name, value in sorted(node.attr.items()):
        # Those with an underscore are notes to the runtime, on any op.
        if name.startswith("_") or (node.op, name) in _WITHOUT_EFFECT:
            continue
        what = f"{name} of {node.op}"
        problem = _problem(what, first.get(name), since)
        if problem:
            default = _later_defaults().get((node.op, name))
            if text_format.MessageToString(value, as_one_line=True) != default:
                yield problem
            continue
        for value_name in _value_names(value):
            release = _later_values().get((node.op, name, value_name))
            if release and (problem := _problem(f"{value_name} as {what}", release, since)):
                yield problem


def _value_names(value):
    """Returns the names of a type or text that an attribute has, or of a list of them."""
    kind = value.WhichOneof("value")
    if kind == "list":
        types, texts = value.list.type, value.list.s
    else:
        types = [value.type] if kind == "type" else []
        texts = [value.s] if kind == "s" else []
    return [
        *(types_pb2.DataType.Name(number) for number in types),
        *(text.decode(errors="replace") for text in texts),
    ]


def _problem(what, first, since):
    """Says what is wrong with a thing that came with a release (None: with none), if anything."""
    known = releases()
    if first is None:
        return f"{what} is in no release of TensorFlow Serving up to {known[-1]}"
    if known.index(first) > known.index(since):
        return f"{what} is in TensorFlow Serving from {first} on"
    return None
