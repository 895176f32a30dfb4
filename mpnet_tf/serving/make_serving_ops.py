"""Makes `serving_ops.json` again: which release of TensorFlow Serving has which ops.

    python -m mpnet_tf.serving.make_serving_ops OP_LISTS OUTPUT

OP_LISTS is a folder with, for each release, `RELEASE.pb`: what `TF_GetAllOpList` of the C API gives
(a serialised `OpList`) when the libraries of the `tensorflow-cpu` wheel of that release are loaded;
and `text_RELEASE.json`, the attributes of each further op that the list has once the
`tensorflow-text` of a release is imported, for the first release of Serving that links it.
"""

import json
import pathlib
import sys

from tensorflow.core.framework import op_def_pb2

# Python's own ops, and those of compilers and devices, have no kernel in the stock server.
_NOT_LINKED = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_NOT_LINKED_PREFIXES = ("Xla", "_Xla", "TPU", "_TPU")


def _ops_of_releases(folder):
    """Returns for each release, oldest first, a dict from ops to lists of attributes."""
    paths = sorted(folder.glob("[0-9]*.pb"), key=lambda path: _number(path.stem))
    text_paths = {path.stem.removeprefix("text_"): path for path in folder.glob("text_*.json")}
    releases, text_ops = {}, {}
    for path in paths:
        ops = op_def_pb2.OpList.FromString(path.read_bytes()).op
        # A release links the text ops of the last list up to it.
        if path.stem in text_paths:
            text_ops = json.loads(text_paths[path.stem].read_text(encoding="utf-8"))
        releases[path.stem] = {
            **{op.name: sorted(attribute.name for attribute in op.attr) for op in ops},
            **text_ops,
        }
    return releases


def _number(release):
    return tuple(map(int, release.split(".")))


def _is_linked(op):
    return op not in _NOT_LINKED and not op.startswith(_NOT_LINKED_PREFIXES)


def main(folder, output):
    """Writes the file.

    Args:
        folder: str. The folder of lists.
        output: str. The file.
    """
    releases = _ops_of_releases(pathlib.Path(folder))
    newest = releases[list(releases)[-1]]
    new_ops, new_attributes, known = {}, {}, {}
    for release, ops in releases.items():
        # What a later release has dropped is in no model that all are to load.
        lasting = {op: attributes for op, attributes in ops.items() if op in newest}
        new_ops[release] = sorted(op for op in lasting if op not in known and _is_linked(op))
        new_attributes[release] = {
            op: sorted(set(attributes) - known[op])
            for op, attributes in sorted(lasting.items())
            if op in known and set(attributes) - known[op] and _is_linked(op)
        }
        for op, attributes in lasting.items():
            known.setdefault(op, set()).update(attributes)
    first = next(iter(releases))
    text = {
        "ops": {release: " ".join(ops) for release, ops in new_ops.items()},
        "attributes": {
            release: ops for release, ops in new_attributes.items() if ops and release != first
        },
    }
    pathlib.Path(output).write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
