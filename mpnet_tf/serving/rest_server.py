"""A small server, for development, that speaks TensorFlow Serving's REST API.

References:
    [TensorFlow Serving's RESTful API](https://www.tensorflow.org/tfx/serving/api_rest).
"""

import json
import logging
import math
import re
import socket
import sys
import urllib.parse

import flask
import tensorflow as tf
import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from werkzeug.exceptions import HTTPException

from mpnet_tf.serving.json_tensors import read_tensors, shown_json, write_tensors

MAX_REQUEST_BYTES = 64 * 1024**2
# Requests that are answered at once; others wait.
_THREADS = 8
# Open connections. Further ones wait, up to the listener's backlog, until others are closed.
_MAX_CONNECTIONS = 512
_BACKLOG = 1024

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_NAME = "/(?P<name>[^/:]+)"
_CHOICE = "(?:(?i:/versions)/(?P<version>[0-9]+)|(?i:/labels)/(?P<label>[^/:]+))?"
_METHOD = "(?P<method>classify|regress|predict)"
_POSTED = re.compile(f"(?i:/v1/models){_NAME}{_CHOICE}:{_METHOD}")
_GOT = re.compile(f"(?i:/v1/models)(?:{_NAME})?{_CHOICE}(?P<metadata>/metadata)?")

# TensorFlow Serving's HTTP status for each code; 500 for others.
_HTTP_STATUS = {
    tf.errors.CANCELLED: 499,
    tf.errors.INVALID_ARGUMENT: 400,
    tf.errors.DEADLINE_EXCEEDED: 504,
    tf.errors.NOT_FOUND: 404,
    tf.errors.ALREADY_EXISTS: 409,
    tf.errors.PERMISSION_DENIED: 403,
    tf.errors.UNAUTHENTICATED: 401,
    tf.errors.RESOURCE_EXHAUSTED: 429,
    tf.errors.FAILED_PRECONDITION: 400,
    tf.errors.ABORTED: 409,
    tf.errors.OUT_OF_RANGE: 400,
    tf.errors.UNIMPLEMENTED: 501,
    tf.errors.UNAVAILABLE: 503,
}

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Escapes one after the other; the group is one that has half of a character without the other.
_ESCAPES = re.compile(
    rb"\\(?:ud[89ab]..\\ud[c-f]..|(?P<half>ud[89a-f]..)|.)", re.IGNORECASE | re.DOTALL
)


def parse_request(body):
    """Reads a request's JSON as TensorFlow Serving does.

    `NaN`, `Infinity` and `-Infinity` are numbers, the first of equal keys counts, and what follows
    the object is ignored. Whole numbers beyond 64 bits are decimal ones.

    Args:
        body: bytes.

    Returns:
        dict. Bytes that are not UTF-8 are surrogates in its strings (`surrogateescape`).

    Raises:
        tf.errors.InvalidArgumentError: if it is not JSON, or no object.
    """
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    start = len(text) - len(text.lstrip(" \t\n\r"))
    if start == len(text):
        raise _invalid("JSON Parse error: The document is empty")
    _check_surrogates(body)
    try:
        document, _ = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (OverflowError, RecursionError) as error:
        raise _invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise _invalid(f"JSON Value: {shown_json(document)} Is not object")
    return document


def _check_surrogates(body):
    """Refuses escapes of half a character, which Python would take."""
    if _ESCAPED_SURROGATE.search(body):
        for escape in _ESCAPES.finditer(body):
            if escape["half"]:
                fault = "The surrogate pair in string is invalid."
                raise _invalid(f"JSON Parse error: {fault} at offset: {escape.start()}")


def _decimal(text):
    value = float(text)
    if math.isinf(value):
        raise OverflowError("Number too big to be stored in double.")
    return value


def _whole(text):
    # Python refuses to read thousands of digits as a whole number.
    if len(text) <= 20 and -(2**63) <= int(text) < 2**64:
        return int(text)
    return _decimal(text)


def _first_of_equal(pairs):
    document = dict(pairs)
    return document if len(document) == len(pairs) else dict(reversed(pairs))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_first_of_equal, parse_float=_decimal, parse_int=_whole
)


def listen(host, port):
    """Opens a socket for `make_server`. Who connects waits until that answers.

    Args:
        host: str. An address of this machine's own.
        port: int. 0 for any that is free.

    Returns:
        `socket.socket`.

    Raises:
        OSError: if the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # The system's own words have the address once more.
        reason = error.strerror.split(" (while")[0]
        raise OSError(f"Cannot listen on {host}, port {port}: {reason}. Try another.") from error


def make_server(model, listener):
    """Makes the server that answers requests for a model.

    Args:
        model: `ServedModel`.
        listener: `socket.socket`, as `listen` opens it.

    Returns:
        A server of waitress, whose `run()` answers until `SystemExit` or `KeyboardInterrupt` is
        raised in it, as signal handlers do.
    """
    # It tells whenever a request has to wait, which is nothing to worry about.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    server = waitress.create_server(
        make_app(model),
        sockets=[listener],
        threads=_THREADS,
        connection_limit=_MAX_CONNECTIONS,
        backlog=_BACKLOG,
        max_request_body_size=MAX_REQUEST_BYTES,
        # Without it no connection beyond the process' 1024th file could be watched.
        asyncore_use_poll=True,
        ident=None,
    )
    server.channel_class = _Channel
    return server


class _JsonErrorTask(ErrorTask):
    """Answers what is refused before Flask sees it, such as a body that is too large."""

    def execute(self):
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}"}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _JsonErrorTask


def make_app(model):
    """Makes the Flask application that answers requests for a model.

    Args:
        model: `ServedModel`.

    Returns:
        `flask.Flask`.
    """
    app = flask.Flask(__name__, static_folder=None)
    # Paths are matched as they come, like TensorFlow Serving does.
    app.url_map.merge_slashes = False
    told = set()

    @app.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def answer(path):
        del path
        method = flask.request.method
        # The path as it was sent: a model's name may have an escaped slash.
        uri = flask.request.environ["REQUEST_URI"]
        uri = uri.encode("latin-1").decode("utf-8", "surrogateescape")
        if not uri.lower().startswith("/v1/"):
            flask.abort(404)
        if method == "POST" and (match := _POSTED.fullmatch(uri)):
            text = _answer_posted(model, told, **_parts(match))
        elif method == "GET" and (match := _GOT.fullmatch(uri)):
            text = _answer_got(model, **_parts(match))
        else:
            raise _invalid(f"Malformed request: {method} {uri}")
        return flask.Response(text, mimetype="application/json")

    app.register_error_handler(
        tf.errors.OpError,
        lambda error: _respond_error(error.message, _HTTP_STATUS.get(error.error_code, 500)),
    )
    app.register_error_handler(
        HTTPException, lambda error: _respond_error(error.description, error.code)
    )

    @app.errorhandler(Exception)
    def answer_fault(error):
        app.logger.exception("%s %s", flask.request.method, flask.request.path)
        return _respond_error(f"{type(error).__name__}: {error}", 500)

    return app


def _invalid(message):
    return tf.errors.InvalidArgumentError(None, None, message)


def _respond_error(message, status):
    text = json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return flask.Response(text, status, mimetype="application/json")


def _parts(match):
    """Decodes what a path says."""
    parts = match.groupdict()
    for key in ("name", "label"):
        parts[key] = parts[key] and urllib.parse.unquote(parts[key], errors="surrogateescape")
    if parts["version"]:
        digits = parts["version"].lstrip("0") or "0"
        if len(digits) > 19 or int(digits) >= 2**63:
            raise _invalid(f"Failed to convert version: {parts['version']} to numeric.")
        parts["version"] = int(digits)
    return parts


def _answer_got(model, *, name, version, label, metadata):
    if name is None:
        raise _invalid("Missing model name in request.")
    if not metadata:
        return model.status(name, version=version)
    model.check_request(name, version=version, label=label)
    return model.metadata()


def _answer_posted(model, told, *, name, version, label, method):
    document = parse_request(flask.request.get_data(cache=False))
    signature_name = document.get("signature_name", "")
    if not isinstance(signature_name, str):
        raise _invalid(
            f"JSON Value: {shown_json(document)} not formatted correctly. 'signature_name' key "
            "must be a string value."
        )
    model.check_request(name, version=version, label=label)
    if method != "predict":
        return model.refuse(method, signature_name)
    signature = model.signature(signature_name)
    tensors, by_row = read_tensors(document, signature)
    _tell_left_out(signature_name, signature.inputs.keys() - tensors.keys(), told)
    return write_tensors(model.predict(signature_name, tensors), by_row=by_row)


def _tell_left_out(signature_name, names, told):
    """Tells, once for each signature, that other servers would refuse a request."""
    if names and signature_name not in told:
        told.add(signature_name)
        print(
            f"A request left out {', '.join(sorted(names))}: TensorFlow Serving takes that by "
            "gRPC alone, its REST API wants every input.",
            file=sys.stderr,
            flush=True,
        )
