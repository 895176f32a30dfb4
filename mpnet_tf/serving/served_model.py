"""A SavedModel as TensorFlow Serving serves it: which version, its signatures, what it tells."""

import dataclasses
import os
import re

import tensorflow as tf
import tensorflow_text  # noqa: F401 -- a SavedModel may have its ops
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

_FILE = "saved_model.pb"
_VERSION = re.compile("[0-9]+")
_DEFAULT = "serving_default"
# The tag of the graph that is for serving.
_TAG = "serve"


@dataclasses.dataclass(frozen=True)
class ModelVersion:
    """A version of a model.

    Args:
        name: str. What the model is served as.
        version: int.
        directory: str. The SavedModel.
    """

    name: str
    version: int
    directory: str


def find_version(directory, name=None):
    """Finds the version to serve.

    Args:
        directory: str. A folder of versions, folders whose names are numbers, of which the highest
            is served; or a SavedModel, which is version 1 unless its name is a number.
        name: str or None. What to serve it as; the name of the folder of versions by default.

    Returns:
        `ModelVersion`.

    Raises:
        ValueError: if there is no SavedModel.
        OSError: if the folder cannot be read.
    """
    base = os.path.abspath(directory)
    if os.path.isfile(os.path.join(base, _FILE)):
        saved_model, version = base, 1
        if _VERSION.fullmatch(os.path.basename(base)):
            base, version = os.path.dirname(base), int(os.path.basename(base))
    else:
        versions = {
            int(entry.name): entry.path
            for entry in os.scandir(base)
            if _VERSION.fullmatch(entry.name) and entry.is_dir()
        }
        if not versions:
            raise ValueError(
                f"{directory} is no model: it has neither {_FILE} nor a folder of a version, such "
                "as 1, with it."
            )
        version = max(versions)
        saved_model = versions[version]
        if not os.path.isfile(os.path.join(saved_model, _FILE)):
            raise ValueError(f"{saved_model}, the highest version, is no SavedModel: no {_FILE}.")
    return ModelVersion(name or os.path.basename(base) or "model", version, saved_model)


class ServedModel:
    """A loaded version of a model, which answers requests by its signatures.

    Args:
        files: `ModelVersion`. What to load.

    Raises:
        ValueError: if it cannot be loaded.

    References:
        [SavedModel](https://www.tensorflow.org/guide/saved_model).
    """

    def __init__(self, files):
        self.name = files.name
        self.version = files.version
        try:
            self.signatures = _read_signatures(files.directory)
            self._model = tf.saved_model.load(files.directory)
        except (tf.errors.OpError, DecodeError, LookupError, AttributeError, TypeError) as error:
            message = getattr(error, "message", None) or str(error)
            raise ValueError(f"Cannot load {files.directory}: {message}") from error
        self._defaults = {
            name: {
                key: tf.constant(tf.make_ndarray(value), tf.as_dtype(value.dtype))
                for key, value in signature.defaults.items()
            }
            for name, signature in self.signatures.items()
        }

    def check_request(self, name, *, version=None, label=None):
        """Checks that a request asks for this model and version.

        Args:
            name: str.
            version: int or None for the latest.
            label: str or None. Another name of a version; there are none here.

        Raises:
            tf.errors.NotFoundError: if it asks for another.
            tf.errors.InvalidArgumentError: if it has a label.
        """
        if label is not None:
            raise tf.errors.InvalidArgumentError(
                None, None, f"Unrecognized servable version label: {label}"
            )
        if name != self.name or version not in (None, self.version):
            asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise tf.errors.NotFoundError(None, None, f"Servable not found for request: {asked}")

    def signature(self, name):
        """Returns the `SignatureDef` of a name, which has inputs.

        Args:
            name: str. "" for the default signature.

        Raises:
            tf.errors.InvalidArgumentError: if there is none.
        """
        signature = self.signatures.get(name or _DEFAULT)
        if signature is None:
            raise tf.errors.InvalidArgumentError(
                None,
                None,
                f'Serving signature name: "{name or _DEFAULT}" not found in signature def',
            )
        if not signature.inputs:
            raise tf.errors.InvalidArgumentError(
                None, None, f"Failed to get input map for signature: {name or 'DEFAULT'}"
            )
        return signature

    def predict(self, name, tensors):
        """Runs a signature.

        Args:
            name: str. "" for the default signature.
            tensors: dict from the names of inputs to `tf.Tensor`. Those that have a default may be
                left out.

        Returns:
            dict from the names of outputs to `tf.Tensor`.

        Raises:
            tf.errors.OpError: as the model's graph does.
        """
        name = name or _DEFAULT
        return self._model.signatures[name](**{**self._defaults[name], **tensors})

    def refuse(self, method, name):
        """Raises what `classify` and `regress` answer: nobody has signatures for them here.

        Args:
            method: str. "classify" or "regress".
            name: str. The signature that was asked for, "" for the default one.

        Raises:
            tf.errors.InvalidArgumentError: if the signature is not made for the method.
            tf.errors.UnimplementedError: if it is.
        """
        signature = self.signatures.get(name or _DEFAULT)
        wanted = f"tensorflow/serving/{method}"
        if signature is None:
            message = f"No signature was found with the name: {name or _DEFAULT}"
        elif signature.method_name != wanted:
            kind = {"classify": "classification", "regress": "regression"}[method]
            message = (
                f"Expected {kind} signature method_name to be {wanted}. Was: "
                f"{signature.method_name}"
            )
        else:
            raise tf.errors.UnimplementedError(
                None, None, f"{method} is answered by TensorFlow Serving, not by this server"
            )
        raise tf.errors.InvalidArgumentError(None, None, message)

    def status(self, name, *, version=None):
        """Returns the JSON object that tells which versions there are.

        Args:
            name: str. The model that was asked for.
            version: int or None for all.

        Raises:
            tf.errors.NotFoundError: if it is another model or version.

        References:
            `GetModelStatusResponse` of TensorFlow Serving's `get_model_status.proto`.
        """
        from tensorflow_serving.apis import get_model_status_pb2

        if name != self.name or version not in (None, self.version):
            asked = "any versions" if version is None else f"version {version}"
            raise tf.errors.NotFoundError(None, None, f"Could not find {asked} of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        version_status = response.model_version_status.add(
            version=self.version, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE
        )
        # Present though it holds nothing but "no error".
        version_status.status.SetInParent()
        return _json(response)

    def metadata(self):
        """Returns the JSON object that tells all signatures.

        References:
            `GetModelMetadataResponse` of TensorFlow Serving's `get_model_metadata.proto`.
        """
        from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2

        spec = model_pb2.ModelSpec(name=self.name)
        spec.version.value = self.version
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=self.signatures)
        return (
            f'{{"model_spec": {_json(spec)}, "metadata": {{"signature_def": {_json(signatures)}}}}}'
        )


def _read_signatures(directory):
    with open(os.path.join(directory, _FILE), "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for graph in saved_model.meta_graphs:
        if [*graph.meta_info_def.tags] == [_TAG]:
            return dict(graph.signature_def)
    raise ValueError(f"{directory} has no graph that is for serving (tag {_TAG!r}).")


def _json(message):
    return json_format.MessageToJson(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=True,
        indent=1,
    )
