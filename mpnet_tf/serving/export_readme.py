"""The README.md beside a SavedModel."""

import json
import platform

import tensorflow as tf

_BATCHING = """max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 100 }
"""
BATCHING_FILE = "batching_parameters.txt"


def batching_parameters():
    """Returns a batching configuration of TensorFlow Serving's that suits these models.

    It pads no batch to a fixed size: the work follows the tokens of the texts that are there.
    """
    return _BATCHING


def readme(signatures, latencies, *, name, version, since, notes):
    """Writes the text of the README.md.

    Args:
        signatures: list of `Signature`.
        latencies: list of `Latency`.
        name: str. What the model is served as.
        version: str. Name of its directory.
        since: str. The first release of TensorFlow Serving whose ops suffice.
        notes: list of str. What else is to be known, a line each.

    Returns:
        str, in Markdown.
    """
    first = signatures[0]
    url = f"localhost:8501/v1/models/{name}"
    parts = [
        f"# {name}, version {version}",
        f"A SavedModel for TensorFlow Serving from {since} on. Its `serving_default` is "
        f"`{first.name}`.",
        *notes,
        "## Signatures",
        *map(_signature_section, signatures),
        "## Serve it",
        "```sh\n"
        f'docker run --rm -p 8500:8500 -p 8501:8501 \\\n  -v "$PWD:/models/{name}/{version}" '
        f"-e MODEL_NAME={name} tensorflow/serving\n```",
        f"in this directory, or, to try it without docker, `mpnet-serve --model=. --name={name}`.",
        "## Ask it by REST",
        *(_curl(signature, url) for signature in signatures),
        'Bytes that are no UTF-8 are given as `{"b64": "..."}` and answered with U+FFFD in their '
        "place.",
        "## Ask it by gRPC",
        _grpc(first, name),
        "## Batching",
        f"`assets.extra/{BATCHING_FILE}` has a start for `--enable_batching "
        f"--batching_parameters_file=/models/{name}/{version}/assets.extra/{BATCHING_FILE}`:",
        f"```\n{_BATCHING}```",
        "Texts of different lengths batch as they are. Give no `allowed_batch_sizes`: nothing is "
        "compiled for a size, and padding a batch would be work for nothing. Rows of token ids are "
        "batched only with `pad_variable_length_inputs: true`.",
        "## Latency",
        _latency_table(latencies),
        f"Median of the examples above, loaded in Python with TensorFlow {tf.__version__} on the "
        f"machine that exported it ({platform.machine()}, "
        f"{tf.config.threading.get_intra_op_parallelism_threads() or 'all'} threads).",
    ]
    return "\n\n".join(parts) + "\n"


def _signature_section(signature):
    rows = [
        f"| `{name}` | {given.dtype.name} {_shape(given.shape)} | {given.description}"
        + ("" if given.default is None else f"; {given.default} where a gRPC request leaves it out")
        + " |"
        for name, given in signature.inputs.items()
    ]
    outputs = [f"- `{name}`: {described}" for name, described in signature.outputs.items()]
    return "\n".join(
        [
            f"### {signature.name}\n",
            f"{signature.description}\n",
            "| input | type | what |",
            "| --- | --- | --- |",
            *rows,
            "",
            *outputs,
        ]
    )


def _shape(shape):
    names = ["batch_size", *["any"] * (len(shape) - 1)]
    return "(" + ", ".join(names) + ("," if len(names) == 1 else "") + ")"


def _curl(signature, url):
    body = json.dumps(
        {"signature_name": signature.name, "instances": signature.example_rows()},
        ensure_ascii=False,
    ).replace("'", "'\\''")
    return f"```sh\ncurl http://{url}:predict -d '{body}'\n```"


def _grpc(signature, name):
    lines = [
        "import grpc",
        "import tensorflow as tf",
        "from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc",
        "",
        'channel = grpc.insecure_channel("localhost:8500")',
        "stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)",
        "request = predict_pb2.PredictRequest()",
        f'request.model_spec.name = "{name}"',
        f'request.model_spec.signature_name = "{signature.name}"',
        *(
            f'request.inputs["{key}"].CopyFrom(tf.make_tensor_proto({given.example!r}))'
            for key, given in signature.inputs.items()
            if given.default is None
        ),
        "for key, tensor in stub.Predict(request, 30.0).outputs.items():",
        "    print(key, tf.make_ndarray(tensor))",
    ]
    return "```python\n" + "\n".join(lines) + "\n```"


def _latency_table(latencies):
    rows = [
        f"| `{latency.signature}` | {latency.num_rows} | {latency.milliseconds:.1f} |"
        for latency in latencies
    ]
    return "\n".join(["| signature | rows | milliseconds |", "| --- | --- | --- |", *rows])
