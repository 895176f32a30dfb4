"""A server that answers as huggingface.co does for files of models, from local directories."""

import contextlib
import hashlib
import http.server
import pathlib
import threading

import huggingface_hub

_COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub:
    """Models by their names, and what was asked for.

    Args:
        endpoint: str. The server's address.
    """

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.models = {}
        self.downloaded = []
        self.num_requests = 0

    def add(self, name, directory):
        """Shows a directory as a model; returns the preset that stands for it."""
        self.models[name] = pathlib.Path(directory)
        return f"hf://{name}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        hub = self.server.hub
        hub.num_requests += 1
        model, _, name = self.path.strip("/").partition("/resolve/main/")
        if model not in hub.models:
            # As to all who are not logged in, so as not to tell which private ones there are.
            self._send(401, {"X-Error-Code": "RepoNotFound"})
            return
        path = hub.models[model] / name
        if not path.is_file():
            self._send(404, {"X-Error-Code": "EntryNotFound"})
            return
        content = path.read_bytes()
        if self.command == "GET":
            hub.downloaded.append(name)
        self._send(200, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}, content)

    def _send(self, status, headers, content=b""):
        self.send_response(status)
        for key, value in {"X-Repo-Commit": _COMMIT, **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments):
        """Says nothing, where the base class writes each request to stderr."""


@contextlib.contextmanager
def local_hub(monkeypatch, cache):
    """Has `huggingface_hub` ask a server on this machine, and keep its files apart.

    Args:
        monkeypatch: pytest's fixture of that name.
        cache: path. Where downloaded files are kept.

    Yields:
        `LocalHub`.
    """
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    hub = server.hub = LocalHub(f"http://127.0.0.1:{server.server_port}")
    constants = huggingface_hub.constants
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def lose_network(monkeypatch):
    """Has `huggingface_hub` refuse every request, as with `HF_HUB_OFFLINE=1`."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
