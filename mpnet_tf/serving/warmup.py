"""Requests that TensorFlow Serving sends to a model before anybody else does."""

import os

import tensorflow as tf

_FOLDER = "assets.extra"
_FILE = "tf_serving_warmup_requests"
# A single request and one of a batch, so that neither is the first of its kind.
_BATCH_SIZES = (1, 8)


def write_warmup_requests(signatures, directory, *, name):
    """Writes the requests into a SavedModel, where TensorFlow Serving looks for them.

    Args:
        signatures: list of `Signature`. Each is asked with its example.
        directory: str. The SavedModel.
        name: str. What the model is served as.

    Returns:
        int. How many requests were written.

    References:
        [SavedModel Warmup](https://www.tensorflow.org/tfx/serving/saved_model_warmup).
    """
    folder = os.path.join(directory, _FOLDER)
    os.makedirs(folder)
    requests = [
        _request(signature, num_rows, name) for signature in signatures for num_rows in _BATCH_SIZES
    ]
    with tf.io.TFRecordWriter(os.path.join(folder, _FILE)) as writer:
        for request in requests:
            writer.write(request.SerializeToString())
    return len(requests)


def _request(signature, num_rows, name):
    # It brings gRPC, which nothing else here needs.
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature.name
    for key, values in signature.example(num_rows).items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(values.numpy(), values.dtype))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
