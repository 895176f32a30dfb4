"""Whether stock TensorFlow Serving has the ops of a SavedModel.

`serving_ops.json` lists, for each release, the ops that came with it and the attributes that came
to older ones: those of TensorFlow's core, and of the tensorflow_text that the server links (2.12.1
in all releases up to 2.19.1, 2.20 in 2.20.0). `make_serving_ops` makes it again.
"""

import functools
import json
import os
import pathlib

from tensorflow.core.protobuf import saved_model_pb2

_FILE = pathlib.Path(__file__).with_name("serving_ops.json")
# A server leaves out attributes that it does not know, which changes what the op computes; these
# are names alone.
_WITHOUT_EFFECT = {("VarHandleOp", "debug_name")}


@functools.cache
def _first_releases():
    """Returns dicts from ops, and from pairs of op and attribute, to their first releases."""
    lists = json.loads(_FILE.read_text(encoding="utf-8"))
    ops = {op: release for release, names in lists["ops"].items() for op in names.split()}
    attributes = {
        (op, name): release
        for release, of_ops in lists["attributes"].items()
        for op, names in of_ops.items()
        for name in names
    }
    return ops, attributes


@functools.cache
def releases():
    """Returns the names of the releases that are known, oldest first."""
    return tuple(json.loads(_FILE.read_text(encoding="utf-8"))["ops"])


def used_ops(directory):
    """Lists the ops of a SavedModel.

    Args:
        directory: str. The SavedModel.

    Returns:
        dict from names of ops to sets of the names of attributes that are set on them.
    """
    path = os.path.join(directory, "saved_model.pb")
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
            if node.op not in functions:
                # Those with an underscore are notes to the runtime.
                names = {name for name in node.attr if not name.startswith("_")}
                used.setdefault(node.op, set()).update(names)
    return used


def check_ops(directory, *, since="2.12.1"):
    """Checks that every release of TensorFlow Serving from one on has the ops of a SavedModel.

    Args:
        directory: str. The SavedModel. Attributes with their default must have been stripped, as
            `tf.saved_model.save` does.
        since: str. One of `releases()`.

    Raises:
        ValueError: if there is no such release, or one lacks an op or an attribute; it names each
            with the first release that has it.
    """
    known = releases()
    if since not in known:
        raise ValueError(f"`since` must be one of {', '.join(known)}. Received: since={since!r}")
    ops, attributes = _first_releases()
    missing = []
    for op, names in sorted(used_ops(directory).items()):
        needs = {op: ops.get(op)}
        if op in ops:
            needs.update(
                {
                    f"{name} of {op}": attributes.get((op, name), known[0])
                    for name in sorted(names)
                    if (op, name) not in _WITHOUT_EFFECT
                }
            )
        for what, release in needs.items():
            if release is None:
                missing.append(f"{what} is in no release")
            elif known.index(release) > known.index(since):
                missing.append(f"{what} is there from {release} on")
    if missing:
        raise ValueError(
            f"The model needs what TensorFlow Serving {since} lacks: {'; '.join(missing)}. Ask for "
            "another release (mpnet-export: --since), or leave out the signature that uses it."
        )
