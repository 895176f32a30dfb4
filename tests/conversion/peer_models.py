"""Small models made by `transformers`, their weights far from the initial ones, and inputs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

VOCABULARY_SIZE = 60
# Beyond the distance from which all share a bucket.
NUM_POSITIONS = 150
NUM_CLASSES = 3
# Of the rows of `inputs`.
LENGTHS = (150, 77, 3)
CLASSES = {
    "MPNetModel": "backbone",
    "MPNetForMaskedLM": "masked_lm",
    "MPNetForSequenceClassification": "text_classifier",
    "MPNetForTokenClassification": "token_classifier",
    "MPNetForQuestionAnswering": "question_answering",
    "BertModel": "backbone",
    "BertForMaskedLM": "masked_lm",
    "BertForPreTraining": "masked_lm",
    "BertForSequenceClassification": "text_classifier",
    "BertForTokenClassification": "token_classifier",
    "BertForQuestionAnswering": "question_answering",
}


def make_model(class_name, **settings):
    """Makes a model of a class of `transformers`, the same at every call."""
    torch.manual_seed(1)
    model_cls = getattr(transformers, class_name)
    if class_name.endswith("Classification"):
        settings["num_labels"] = NUM_CLASSES
    config = model_cls.config_class(
        **{
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "max_position_embeddings": NUM_POSITIONS + 2,
            "layer_norm_eps": 1e-5,
            **settings,
        }
    )
    model = model_cls(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def inputs(model):
    """Returns arrays of padded rows for our models, by the names of their inputs."""
    generator = np.random.default_rng(2)
    shape = (len(LENGTHS), NUM_POSITIONS)
    padding_mask = np.arange(NUM_POSITIONS) < np.array(LENGTHS)[:, None]
    token_ids = generator.integers(5, VOCABULARY_SIZE, shape)
    arrays = {
        "token_ids": np.where(padding_mask, token_ids, model.config.pad_token_id),
        "padding_mask": padding_mask.astype("int32"),
    }
    if model.config.model_type == "bert":
        arrays["segment_ids"] = generator.integers(0, 2, shape)
    return arrays


def outputs(model, arrays):
    """Returns a model's result as an array: start before end logits for question answering."""
    named = {"input_ids": arrays["token_ids"], "attention_mask": arrays["padding_mask"]}
    if "segment_ids" in arrays:
        named["token_type_ids"] = arrays["segment_ids"]
    with torch.no_grad():
        result = model(**{name: torch.tensor(array) for name, array in named.items()})
    if hasattr(result, "start_logits"):
        return torch.stack([result.start_logits, result.end_logits], -1).numpy()
    for name in ("logits", "prediction_logits", "last_hidden_state"):
        if hasattr(result, name):
            return getattr(result, name).numpy()
    raise AssertionError(f"{type(model).__name__} gives nothing known")


def our_outputs(model, task, arrays):
    """Returns the result of one of our models in the form of `outputs`."""
    if task == "masked_lm":
        positions = np.tile(np.arange(NUM_POSITIONS), (len(LENGTHS), 1))
        arrays = {**arrays, "mask_positions": positions}
    result = model(arrays)
    if task == "question_answering":
        return np.stack([result["start_logits"], result["end_logits"]], -1)
    return np.asarray(result)


def largest_difference(first, second, arrays):
    """Returns the largest difference of two results at the places that are no padding."""
    difference = np.abs(first - second)
    if first.ndim == 3:
        difference = difference * arrays["padding_mask"][..., None]
    return difference.max()


def assert_same_state(first, second):
    """Checks that two models of `transformers` hold the same bits under the same names."""
    first, second = first.state_dict(), second.state_dict()
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype, name
        assert torch.equal(tensor, second[name]), name
