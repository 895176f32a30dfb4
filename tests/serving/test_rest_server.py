"""The development server, asked over HTTP as TensorFlow Serving is."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import random
import threading

import pytest
import requests
import tensorflow as tf

pytest.importorskip("flask")
pytest.importorskip("waitress")

from mpnet_tf.serving import rest_server
from mpnet_tf.serving.rest_server import listen, make_app, make_server, parse_request
from mpnet_tf.serving.served_model import ServedModel, find_version

NAME = "half plus/three"
QUOTED = "half%20plus%2Fthree"
NUM_CLIENTS, REQUESTS_EACH = 32, 6
NO_UTF8 = b"caf\xe9"


def published(tag, signal, sensor):
    total = tf.reduce_sum(signal, axis=1)
    return {"tag": tag, "total": tf.cast(total, tf.int64), "sensor": sensor, "even": total % 2 == 0}


TEN = tf.constant([10.0])


def add(x, more=TEN):
    return {"y": x + more}


FLOATS = {"x": tf.TensorSpec((None,), tf.float32)}
SIGNATURES = {
    "half_plus_three": (lambda x: {"y": x * 0.5 + 3.0}, FLOATS),
    "published": (
        published,
        {
            "tag": tf.TensorSpec((None,), tf.string),
            "signal": tf.TensorSpec((None, 5), tf.int32),
            "sensor": tf.TensorSpec((None, 2, 2), tf.float32),
        },
    ),
    "joined": (
        lambda text: {"raw": text + "!", "raw_bytes": text + "!"},
        {"text": tf.TensorSpec((None,), tf.string)},
    ),
    "sum": (add, FLOATS | {"more": tf.TensorSpec((None,), tf.float32)}),
    "place": (lambda x: {"y": tf.gather([1.0, 2.0], x)}, {"x": tf.TensorSpec((None,), tf.int32)}),
    "mean": (lambda x: {"y": tf.reduce_mean(x)}, FLOATS),
    "half": (lambda x: {"y": x}, {"x": tf.TensorSpec((None,), tf.half)}),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "half"
    functions = {
        name: tf.function(
            call, [tf.TensorSpec(spec.shape, spec.dtype, key) for key, spec in inputs.items()]
        )
        for name, (call, inputs) in SIGNATURES.items()
    }
    functions["serving_default"] = functions["half_plus_three"]
    # Of several versions the highest number is served, not the last in the alphabet.
    tf.saved_model.save(tf.Module(), str(folder / "10"), signatures=functions)
    for other in ("2", "latest"):
        (folder / other).mkdir()
    files = find_version(str(folder), NAME)
    assert files.version == 10
    return ServedModel(files)


@contextlib.contextmanager
def running_server(model):
    """Answers about the model in the block, at the address that it gives."""
    with listen("127.0.0.1", 0) as listener:
        server = make_server(model, listener)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.effective_port}/v1/models/{QUOTED}"
        server.close()
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def url(model):
    with running_server(model) as url:
        yield url


def ask(url, document, method="predict"):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    response = requests.post(f"{url}:{method}", data=body, timeout=60)
    assert response.headers["Content-Type"] == "application/json"
    return response


def answer(url, document):
    response = ask(url, document)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(response):
    """Returns the status and message of a refusal, which has nothing else."""
    message = response.json().pop("error")
    return response.status_code, message


def test_answers_the_published_examples(url):
    assert requests.get(url, timeout=60).json() == {
        "model_version_status": [
            {
                "version": "10",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    assert answer(url, {"instances": [1.0, 2.0, 5.0]}) == {"predictions": [3.5, 4.0, 5.5]}
    assert answer(url, {"inputs": [1.0, 2.0, 5.0]}) == {"outputs": [3.5, 4.0, 5.5]}
    other = url.replace(QUOTED, "half")
    assert refusal(ask(other, {"instances": [1.0, 5.0]})) == (
        404,
        "Servable not found for request: Latest(half)",
    )
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": "bar", "signal": [3, 4, 1, 2, 6], "sensor": [[4, 5], [6, 8]]},
    ]
    totals = [{"total": 15, "even": False}, {"total": 16, "even": True}]
    predictions = [
        {"tag": row["tag"], "sensor": row["sensor"]} | told
        for row, told in zip(rows, totals, strict=True)
    ]
    asked = {"signature_name": "published"}
    assert answer(url, asked | {"instances": rows}) == {"predictions": predictions}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert answer(url, asked | {"inputs": columns}) == {
        "outputs": {name: [row[name] for row in predictions] for name in predictions[0]}
    }


def test_answers_versions_and_names_of_signatures(url):
    rows = {"instances": [{"x": 1}], "signature_name": "half_plus_three"}
    assert answer(f"{url}/versions/10", rows) == {"predictions": [3.5]}
    assert answer(f"{url}/versions/0010", rows | {"signature_name": ""}) == {"predictions": [3.5]}
    # Who is told a whole number reads one.
    assert '"predictions": [4.0]' in ask(url, {"instances": [2]}).text
    status = requests.get(f"{url}/versions/10", timeout=60).json()
    assert status["model_version_status"][0]["version"] == "10"


def test_metadata_tells_all_signatures(url, model):
    for address in (url, f"{url}/versions/10"):
        told = requests.get(f"{address}/metadata", timeout=60).json()
        assert told["model_spec"] == {"name": NAME, "signature_name": "", "version": "10"}
        signatures = told["metadata"]["signature_def"]["signature_def"]
        assert signatures.keys() == model.signatures.keys()
        assert signatures.keys() - SIGNATURES.keys() == {
            "serving_default",
            "__saved_model_init_op",
        }
        assert signatures["half_plus_three"]["inputs"]["x"] == {
            "dtype": "DT_FLOAT",
            "name": "half_plus_three_x:0",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        }
        assert signatures["half_plus_three"]["method_name"] == "tensorflow/serving/predict"
        assert signatures["sum"]["defaults"].keys() == {"more"}


def test_inputs_with_a_default_may_be_left_out(url, capfd):
    asked = {"signature_name": "sum"}
    assert answer(url, asked | {"instances": [{"x": 1}, {"x": 2}]}) == {"predictions": [11.0, 12.0]}
    assert answer(url, asked | {"inputs": {"x": [1]}}) == {"outputs": [11.0]}
    assert answer(url, asked | {"inputs": {"x": [1], "more": [2]}}) == {"outputs": [3.0]}
    told = capfd.readouterr()
    assert told.err.count("A request left out more") == 1 and "gRPC" in told.err and not told.out
    status, message = refusal(ask(url, asked | {"inputs": {"more": [1]}}))
    assert status == 400 and message == "Missing named input: x in 'inputs' object."


def test_strings_are_bytes(url):
    asked = {"signature_name": "joined"}
    texts = ["é 猫 \U0001f408", 'a"\\\n\x00', ""]
    expected = [
        {"raw": f"{text}!", "raw_bytes": {"b64": base64.b64encode(f"{text}!".encode()).decode()}}
        for text in texts
    ]
    assert answer(url, asked | {"instances": texts}) == {"predictions": expected}
    given = {"b64": base64.b64encode(NO_UTF8).decode()}
    response = ask(url, asked | {"inputs": [given]})
    # Like TensorFlow Serving, it writes the very bytes.
    assert response.status_code == 200 and b'"raw": ["caf\xe9!"]' in response.content
    outputs = json.loads(response.content.decode("latin-1"))["outputs"]
    assert base64.b64decode(outputs["raw_bytes"][0]["b64"]) == NO_UTF8 + b"!"
    body = b'{"signature_name": "joined", "instances": ["' + NO_UTF8 + b'"]}'
    assert b'"raw": "caf\xe9!"' in ask(url, body).content


def test_numbers_that_are_not_finite(url):
    response = ask(url, b'{"instances": [NaN, Infinity, -Infinity, 1e39]}')
    assert response.text == '{"predictions": [NaN, Infinity, -Infinity, Infinity]}'


ROUTES = {
    "other model": ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
    "other version": (
        "GET",
        "/v1/models/NAME/versions/7",
        404,
        "Could not find version 7 of model",
    ),
    "version of metadata": ("GET", "/v1/models/NAME/versions/7/metadata", 404, "Specific(half"),
    "label": ("GET", "/v1/models/NAME/labels/stable/metadata", 400, "version label: stable"),
    "no name": ("GET", "/v1/models", 400, "Missing model name in request."),
    "long version": ("GET", f"/v1/models/NAME/versions/{'9' * 5000}", 400, "to numeric"),
    "no version": ("GET", "/v1/models/NAME/versions/a", 400, "Malformed request: GET /v1/models/"),
    "elsewhere": ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
    "query": ("GET", "/v1/models/NAME?a=b", 404, "any versions of model half plus/three?a=b"),
    "query of metadata": ("GET", "/v1/models/NAME/metadata?a=b", 400, "Malformed request: GET"),
    "get": ("GET", "/v1/models/NAME:predict", 400, "Malformed request: GET"),
    "put": ("PUT", "/v1/models/NAME:predict", 400, "Malformed request: PUT"),
    "options": ("OPTIONS", "/v1/models/NAME", 400, "Malformed request: OPTIONS"),
    "post": ("POST", "/v1/models/NAME", 400, "Malformed request: POST"),
    "method": ("POST", "/v1/models/NAME:predicts", 400, "Malformed request: POST"),
    "case": ("POST", "/v1/models/NAME:Predict", 400, "Malformed request: POST"),
    "root": ("GET", "/", 404, "not found"),
    "other path": ("POST", "/v2/models/NAME:predict", 404, "not found"),
    "slashes": ("GET", "//v1/models/NAME", 404, "not found"),
    "unknown": ("BREW", "/v1/models/NAME", 405, "not allowed"),
    "predict version": ("POST", "/v1/models/NAME/versions/7:predict", 404, "Specific(half plus"),
    "predict label": ("POST", "/v1/models/NAME/labels/a:predict", 400, "version label: a"),
}


@pytest.mark.parametrize("case", ROUTES)
def test_refuses_other_routes(url, case):
    method, path, status, message = ROUTES[case]
    root = url.removesuffix(f"/v1/models/{QUOTED}")
    connection = http.client.HTTPConnection(root.removeprefix("http://"), timeout=60)
    connection.request(method, path.replace("NAME", QUOTED), b'{"instances": [1]}')
    response = connection.getresponse()
    assert response.status == status and response.headers["Content-Type"] == "application/json"
    assert message in json.loads(response.read())["error"]
    connection.close()


def test_names_are_matched_whatever_the_case_of_the_rest(url):
    assert requests.get(url.replace("/v1/models", "/V1/Models"), timeout=60).ok
    assert requests.head(url, timeout=60).status_code == 400


REQUESTS = {
    "no json": (b"instances = [1, 2]", 400, "JSON Parse error: "),
    "no signature": (
        {"signature_name": "a", "instances": [1]},
        400,
        'signature name: "a" not found',
    ),
    "no input": (
        {"signature_name": "__saved_model_init_op", "instances": [1]},
        400,
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    "signature": ({"signature_name": 100}, 400, "'signature_name' key must be a string value."),
    "type": ({"instances": ["x", "y"]}, 400, "not of expected type: float"),
    "half": ({"signature_name": "half", "inputs": [1]}, 501, "to type: half"),
    "graph": (
        {"signature_name": "place", "instances": [7]},
        400,
        "indices[0] = 7 is not in [0, 2)",
    ),
    "no rows": ({"signature_name": "mean", "instances": [7]}, 400, "no batch size"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_refuses_other_requests(url, case):
    document, status, message = REQUESTS[case]
    got, text = refusal(ask(url, document))
    assert got == status and message in text


def test_a_malformed_request_is_refused_before_its_model_is_looked_for(url):
    assert ask(url.replace(QUOTED, "other"), b"{").status_code == 400


@pytest.mark.parametrize(
    ("method", "kind"), [("classify", "classification"), ("regress", "regression")]
)
def test_has_no_signatures_for_classify_and_regress(url, model, monkeypatch, method, kind):
    document = {"signature_name": "half_plus_three", "examples": [{"x": 1.0}]}
    assert refusal(ask(url, document, method)) == (
        400,
        f"Expected {kind} signature method_name to be tensorflow/serving/{method}. Was: "
        "tensorflow/serving/predict",
    )
    assert refusal(ask(url, document | {"signature_name": "a"}, method)) == (
        400,
        "No signature was found with the name: a",
    )
    assert ask(url.replace(QUOTED, "other"), document, method).status_code == 404
    made = type(model.signatures["sum"])(method_name=f"tensorflow/serving/{method}")
    monkeypatch.setitem(model.signatures, "made", made)
    assert ask(url, document | {"signature_name": "made"}, method).status_code == 501


def test_faults_of_the_server_are_told_as_json(url, model, monkeypatch):
    def fail(name, tensors):
        raise RuntimeError("no luck")

    monkeypatch.setattr(model, "predict", fail)
    assert refusal(ask(url, {"instances": [1]})) == (500, "RuntimeError: no luck")


def test_many_clients_each_get_their_own_answers(url):
    barrier = threading.Barrier(NUM_CLIENTS)

    def client(number):
        barrier.wait()
        wrong = 0
        with requests.Session() as session:
            for turn in range(REQUESTS_EACH):
                values = [number * 1000 + turn] * (1 + (number + turn) % 5)
                response = session.post(
                    f"{url}:predict", json={"instances": values}, timeout=120
                ).json()
                wrong += response != {"predictions": [value * 0.5 + 3 for value in values]}
                # Some leave and come back.
                if random.Random(number * 10 + turn).random() < 0.3:
                    session.close()
        return wrong

    with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool:
        assert [*pool.map(client, range(NUM_CLIENTS))] == [0] * NUM_CLIENTS


def test_refuses_requests_that_are_too_large(model, monkeypatch):
    monkeypatch.setattr(rest_server, "MAX_REQUEST_BYTES", 1000)
    with running_server(model) as url:
        row = {"instances": [1] * 100}
        assert ask(url, row).status_code == 200
        too_long = json.dumps({"instances": [1] * 1000})
        for body in (too_long, (" " * 100 for _ in range(20))):
            status, message = refusal(requests.post(f"{url}:predict", data=body, timeout=60))
            assert status == 413 and "exceeds max_body of 1000" in message
        assert ask(url, row).status_code == 200


def test_a_port_that_is_taken_is_an_error():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=rf"^Cannot listen on 127.0.0.1, port {port}: Address"):
            listen("127.0.0.1", port)


PARSED = {
    b'\xef\xbb\xbf \n{"a": 1} and what follows': {"a": 1},
    b'{"a": 1, "b": 3, "a": 2}': {"a": 1, "b": 3},
    b'{"a": [18446744073709551615, -9223372036854775808]}': {"a": [2**64 - 1, -(2**63)]},
    b'{"a": [18446744073709551616, -1e2]}': {"a": [2.0**64, -100.0]},
    b'{"a": "\\ud83d\\uDC08 \\\\ud83d"}': {"a": "\U0001f408 \\ud83d"},
    b'{"a": "\xff"}': {"a": "\udcff"},
}


@pytest.mark.parametrize("body", PARSED)
def test_reads_json_as_tensorflow_serving_does(body):
    document = parse_request(body)
    assert document == PARSED[body]
    # Equal numbers of other types would be refused where these are taken.
    assert repr(document) == repr(PARSED[body])


NOT_PARSED = {
    b"": "The document is empty",
    b" \r\n\t": "The document is empty",
    b"[1]": r"JSON Value: \[1\] Is not object",
    b'{"a": 1,}': "JSON Parse error",
    b'{"a": 1e400}': "Number too big to be stored in double",
    b'{"a": ' + b"9" * 5000 + b"}": "Number too big to be stored in double",
    b'{"a": "\\ud83d"}': "surrogate pair in string is invalid. at offset: 7",
    b'{"a": "\\ud83d\\u0041"}': "surrogate pair",
    b'{"a": "\\\\\\udc80"}': "surrogate pair in string is invalid. at offset: 9",
    b'{"a": ' + b"[" * 100_000: "JSON Parse error",
}


@pytest.mark.parametrize("body", NOT_PARSED, ids=range(len(NOT_PARSED)))
def test_refuses_what_is_no_json_object(body):
    with pytest.raises(tf.errors.InvalidArgumentError, match=NOT_PARSED[body]):
        parse_request(body)


def test_finds_versions(tmp_path, model):
    del model
    with pytest.raises(ValueError, match=r"is no model: it has neither saved_model.pb nor"):
        find_version(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        find_version(str(tmp_path / "none"))
    (tmp_path / "base" / "3").mkdir(parents=True)
    (tmp_path / "base" / "2").mkdir()
    (tmp_path / "base" / "2" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match=r"base/3, the highest version, is no SavedModel"):
        find_version(str(tmp_path / "base"))
    found = find_version(str(tmp_path / "base" / "2"))
    assert (found.name, found.version) == ("base", 2)
    (tmp_path / "base" / "3").rename(tmp_path / "base" / "three")
    assert find_version(str(tmp_path / "base")) == found
    (tmp_path / "base" / "2").rename(tmp_path / "two")
    found = find_version(str(tmp_path / "two"))
    assert (found.name, found.version) == ("two", 1)
    with pytest.raises(ValueError, match="has no graph that is for serving"):
        ServedModel(found)
    (tmp_path / "two" / "saved_model.pb").write_bytes(b"no protocol buffer")
    with pytest.raises(ValueError, match="Cannot load"):
        ServedModel(found)


def test_the_application_alone_answers(model):
    client = make_app(model).test_client()
    response = client.post(f"/v1/models/{QUOTED}:predict", data=b'{"instances": [1]}')
    assert response.json == {"predictions": [3.5]}
