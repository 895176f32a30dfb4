"""mpnet-serve: a SavedModel, as mpnet-export writes it, to TensorFlow Serving's REST API.

    mpnet-serve --model=models/sentiment
    curl http://127.0.0.1:8501/v1/models/sentiment:predict -d '{"instances": ["fine film"]}'

For trying requests while you develop, on this machine alone; TensorFlow Serving takes the same ones
for many users. Ctrl-C ends it.
"""

import atexit
import ipaddress
import os
import signal
import sys
import urllib.parse

from absl import flags

from mpnet_tf.cli import application

_MODEL = flags.DEFINE_string(
    "model", None, "A SavedModel, or a folder of versions of it, of which the highest is served."
)
_NAME = flags.DEFINE_string(
    "name", None, "The model's name in URLs. Default: the name of the folder of versions."
)
_PORT = flags.DEFINE_integer(
    "port", 8501, "Where to listen; 0 for a free port.", lower_bound=0, upper_bound=2**16 - 1
)
_HOST = flags.DEFINE_string("host", "127.0.0.1", "An address of this machine's own (loopback).")

flags.mark_flag_as_required("model")


@flags.validator(
    "host",
    message="must be a loopback address, such as 127.0.0.1. To answer other machines, serve the "
    "model with TensorFlow Serving.",
)
def _is_loopback(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main(argv):
    """Serves what the flags ask for until it is told to stop; returns where and what it was."""
    del argv
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    rest_server = _import_server()
    from mpnet_tf.cli.progress import announce
    from mpnet_tf.serving.served_model import ServedModel, find_version

    files = find_version(_MODEL.value, _NAME.value)
    host = "127.0.0.1" if _HOST.value == "localhost" else _HOST.value
    # Before the model is loaded, which takes a while.
    listener = rest_server.listen(host, _PORT.value)
    model = ServedModel(files)
    server = rest_server.make_server(model, listener)
    announce("mpnet-serve is for development only; in production use TensorFlow Serving.")
    address = f"[{host}]" if ":" in host else host
    name = urllib.parse.quote(model.name, safe="")
    url = f"http://{address}:{server.effective_port}/v1/models/{name}"
    announce(f"serving version {model.version} of {files.directory} at {url}")
    server.run()
    if server.task_dispatcher.threads:
        # A request that is still computed would crash the interpreter at its end.
        atexit.register(os._exit, application.DONE)
    signatures = sorted(name for name, given in model.signatures.items() if given.inputs)
    return {"url": url, "version": model.version, "signatures": signatures}


def _import_server():
    try:
        from mpnet_tf.serving import rest_server
    except ModuleNotFoundError as error:
        if error.name not in ("flask", "waitress"):
            raise
        raise ValueError(
            "mpnet-serve needs Flask and waitress: `pip install 'mpnet_tf[serve]'`."
        ) from error
    return rest_server


def _stop(number, frame):
    del number, frame
    sys.exit(application.DONE)


def run():
    """Runs the binary."""
    application.run(main)


if __name__ == "__main__":
    run()
