"""Makes `serving_ops.json` again: which release of TensorFlow Serving has which ops.

    python -m mpnet_tf.serving.make_serving_ops OP_LISTS OUTPUT

OP_LISTS is a folder with three kinds of files:

- `RELEASE.pb` of each release: the serialised `OpList` that `TF_GetAllOpList` of the C API gives
  when `libtensorflow_framework` and `libtensorflow_cc`, and nothing else, are loaded from the
  `tensorflow-cpu` wheel of that release.
- `kernels_RELEASE.pb` of each: the `KernelList` that `TF_GetAllRegisteredKernels` gives then.
- `text_RELEASE.json` of each tensorflow_text that a server links (its
  `tensorflow_serving/workspace.bzl` tells which): a dict from ops to lists of attributes, of the
  ops that the list has only once that tensorflow_text is imported. They count from that release of
  the server on; the newest file is that of the newest release, whatever its own number.
"""

import json
import pathlib
import sys

from google.protobuf import text_format
from tensorflow.core.framework import kernel_def_pb2, op_def_pb2, types_pb2

# Libraries that only the Python package has, for remote calls and for quantising; and the ops of
# XLA's instructions, which the server might run but only those it compiles need.
_NOT_LINKED_PARTS = ("Xla", "Rpc", "CustomAggregator", "CalibrationStatistics", "DumpTensor")
# The runtime puts other ops in its place before it looks for a kernel.
_NEED_NO_KERNEL = {"AccumulateNV2"}


def _number(release):
    return tuple(map(int, release.split(".")))


def _runnable_ops(folder, release):
    """Returns a dict from the ops that a CPU runs in a release to their definitions."""
    ops = op_def_pb2.OpList.FromString((folder / f"{release}.pb").read_bytes()).op
    kernels = kernel_def_pb2.KernelList.FromString(
        (folder / f"kernels_{release}.pb").read_bytes()
    ).kernel
    with_kernel = {kernel.op for kernel in kernels if kernel.device_type in ("CPU", "DEFAULT")}
    with_kernel |= _NEED_NO_KERNEL
    # Ops with an underscore are the runtime's own, which no saved model holds.
    return {
        op.name: op
        for op in ops
        if op.name in with_kernel
        and not op.name.startswith("_")
        and not any(part in op.name for part in _NOT_LINKED_PARTS)
    }


def _allowed_values(attribute):
    """Returns the names of the values that an attribute may take; none if they are not listed."""
    allowed = attribute.allowed_values.list
    return {
        *(types_pb2.DataType.Name(value) for value in allowed.type),
        *(value.decode() for value in allowed.s),
    }


def _values_of_releases(folder, releases):
    """Returns for each release a dict from pairs of op and attribute to the allowed values."""
    return {
        release: {
            (name, attribute.name): values
            for name, op in _runnable_ops(folder, release).items()
            for attribute in op.attr
            if (values := _allowed_values(attribute))
        }
        for release in releases
    }


def _gained_values(values_of_releases):
    """Returns for each release what old attributes may be from then on: `[op][attribute]`."""
    gained, known = {}, {}
    for release, values_of_attributes in values_of_releases.items():
        for (op, attribute), values in sorted(values_of_attributes.items()):
            new = values - known.setdefault((op, attribute), values)
            if new:
                gained.setdefault(release, {}).setdefault(op, {})[attribute] = sorted(new)
                known[op, attribute] = known[op, attribute] | new
    return gained


def _defaults(folder, release):
    """Returns a dict from pairs of op and attribute to the default as text, where there is one."""
    return {
        (name, attribute.name): text_format.MessageToString(
            attribute.default_value, as_one_line=True
        )
        for name, op in _runnable_ops(folder, release).items()
        for attribute in op.attr
        if attribute.HasField("default_value")
    }


def _ops_of_releases(folder):
    """Returns for each release, oldest first, a dict from ops to sets of attributes."""
    releases = sorted((path.stem for path in folder.glob("[0-9]*.pb")), key=_number)
    text_releases = sorted(
        (path.stem.removeprefix("text_") for path in folder.glob("text_*.json")), key=_number
    )
    ops_of_releases = {}
    for release in releases:
        known = [text for text in text_releases if _number(text) <= _number(release)]
        text_release = text_releases[-1] if release == releases[-1] else known[-1]
        text_ops = json.loads((folder / f"text_{text_release}.json").read_text(encoding="utf-8"))
        ops = {
            name: [attribute.name for attribute in op.attr]
            for name, op in _runnable_ops(folder, release).items()
        }
        ops_of_releases[release] = {
            op: set(attributes) for op, attributes in {**ops, **text_ops}.items()
        }
    return ops_of_releases


def main(folder, output):
    """Writes the file.

    Args:
        folder: str. The folder of lists.
        output: str. The file.
    """
    folder = pathlib.Path(folder)
    ops_of_releases = _ops_of_releases(folder)
    releases = list(ops_of_releases)
    defaults = _defaults(folder, releases[-1])
    # What a later release has dropped is in no model that all are to load.
    newest = ops_of_releases[releases[-1]]
    new_ops, new_attributes, known = {}, {}, {}
    for release, ops in ops_of_releases.items():
        groups, gained = {}, {}
        for op in sorted(ops.keys() & newest.keys()):
            lasting = ops[op] & newest[op]
            if op not in known:
                groups.setdefault(" ".join(sorted(lasting)), []).append(op)
            elif lasting - known[op]:
                gained[op] = {
                    name: defaults.get((op, name)) for name in sorted(lasting - known[op])
                }
            known.setdefault(op, set()).update(lasting)
        new_ops[release] = dict(sorted(groups.items()))
        if gained:
            new_attributes[release] = gained
    lists = {
        "releases": releases,
        "ops": new_ops,
        "attributes": new_attributes,
        "values": _gained_values(_values_of_releases(folder, releases)),
    }
    # A name a line, so that changes can be read.
    pathlib.Path(output).write_text(json.dumps(lists, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
