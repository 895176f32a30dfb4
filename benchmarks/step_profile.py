"""What the operations of a step take, in a profile of TensorFlow's."""

import collections
import glob
import os
import re
import tempfile

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

# By the first pattern that is found in an operation's path and type.
_KINDS = (
    ("matrix products", r"MatMul"),
    ("AdamW, its decay, norm and scale of gradients", r"adamw|global_norm|cond/"),
    ("softmax", r"Softmax"),
    ("biases", r"BiasAdd|lm_head/add"),
    ("transposing heads", r"Transpose"),
    ("loss and accuracy", r"ArgMax|:Max|:Exp|:Sum|:Log"),
    ("sums of gradients", r":AddN"),
    ("embeddings", r"Gather|SegmentSum"),
)
_COMPILED = "chains compiled by XLA"
_OTHER = "the rest"


def step_profile(step, num_steps=2):
    """Runs a step under the profiler.

    Args:
        step: callable that runs it, run before. With more than one operation at a time, their
            seconds are more than those of the step.
        num_steps: int. How often to run it.

    Returns:
        dict from kinds of operations to seconds a step, the longest first.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(num_steps):
            step()
        tf.profiler.experimental.stop()
        (path,) = glob.glob(os.path.join(folder, "plugins", "profile", "*", "*.xplane.pb"))
        with open(path, "rb") as file:
            space = xplane_pb2.XSpace.FromString(file.read())
    seconds = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                kind = _kind(plane.event_metadata[event.metadata_id].name)
                if kind is not None:
                    seconds[kind] += event.duration_ps / 1e12 / num_steps
    return {kind: round(value, 4) for kind, value in seconds.most_common()}


def _kind(name):
    """Returns the kind of an event, or None for one that is no operation, or holds others."""
    if name == "CpuExecutable::ExecuteAsyncOnStream":
        return _COMPILED
    path, separator, operation = name.partition("#")[0].rpartition(":")
    if not separator or "::" in name or not re.fullmatch(r"_?\w+", operation):
        return None
    if "Local" in path or "Execute" in path or "Partitioned" in operation or "Xla" in operation:
        return None
    for kind, pattern in _KINDS:
        if re.search(pattern, f"{path}:{operation}"):
            return kind
    return _OTHER
