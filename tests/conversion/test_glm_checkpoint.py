"""GLM's checkpoints, against its layers written in PyTorch from the paper and its released code.

Pre-layer-norm blocks with one projection for queries, keys and values, the approximate gelu, two
tables of positions, and the token embedding as the last projection (arXiv 2103.10360, section 2.2).
"""

import json

import numpy as np
import pytest

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.models import GLMMaskedLM, Pretrainer
from mpnet_tf.models.converted_model import model_from
from tests.conversion.peer_models import torch

VOCABULARY_SIZE, WIDTH, NUM_HEADS, INNER, LONGEST = 40, 128, 2, 96, 30
# Eight tokens of a text, one of them a blank, and a span of three with what begins it.
NUM_TEXT, NUM_SPAN, BLANK = 8, 4, 5


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = torch.nn.LayerNorm(WIDTH, eps=1e-5)
        self.attention = torch.nn.ModuleDict(
            {
                "query_key_value": torch.nn.Linear(WIDTH, 3 * WIDTH),
                "dense": torch.nn.Linear(WIDTH, WIDTH),
            }
        )
        self.post_attention_layernorm = torch.nn.LayerNorm(WIDTH, eps=1e-5)
        self.mlp = torch.nn.ModuleDict(
            {
                "dense_h_to_4h": torch.nn.Linear(WIDTH, INNER),
                "dense_4h_to_h": torch.nn.Linear(INNER, WIDTH),
            }
        )

    def forward(self, hidden, visible):
        query, key, value = (
            part.unflatten(-1, (NUM_HEADS, -1)).transpose(1, 2)
            for part in self.attention["query_key_value"](self.input_layernorm(hidden)).chunk(3, -1)
        )
        scores = query @ key.transpose(-1, -2) / (WIDTH // NUM_HEADS) ** 0.5
        weights = scores.masked_fill(~visible, float("-inf")).softmax(-1)
        hidden = hidden + self.attention["dense"]((weights @ value).transpose(1, 2).flatten(2))
        inner = self.mlp["dense_h_to_4h"](self.post_attention_layernorm(hidden))
        inner = torch.nn.functional.gelu(inner, approximate="tanh")
        return hidden + self.mlp["dense_4h_to_h"](inner)


class GLM(torch.nn.Module):
    def __init__(self, num_layers=2, vocabulary_size=VOCABULARY_SIZE):
        super().__init__()
        self.word_embeddings = torch.nn.Embedding(vocabulary_size, WIDTH)
        self.transformer = torch.nn.Module()
        self.transformer.position_embeddings = torch.nn.Embedding(LONGEST + 1, WIDTH)
        self.transformer.block_position_embeddings = torch.nn.Embedding(LONGEST + 1, WIDTH)
        self.transformer.layers = torch.nn.ModuleList(Layer() for _ in range(num_layers))
        self.transformer.final_layernorm = torch.nn.LayerNorm(WIDTH, eps=1e-5)

    def forward(self, token_ids, position_ids, block_position_ids, visible):
        hidden = (
            self.word_embeddings(token_ids)
            + self.transformer.position_embeddings(position_ids)
            + self.transformer.block_position_embeddings(block_position_ids)
        )
        for layer in self.transformer.layers:
            hidden = layer(hidden, visible)
        return self.transformer.final_layernorm(hidden) @ self.word_embeddings.weight.T


@pytest.fixture(scope="module")
def glm():
    torch.manual_seed(5)
    model = GLM().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.3).add_(torch.randn_like(parameter) * 0.1)
    return model


def save(path, glm, prefix=""):
    """Saves what GLM's program does."""
    state = {f"{prefix}{name}": tensor for name, tensor in glm.state_dict().items()}
    torch.save({"iteration": 7, "module": state}, path)
    return str(path)


def save_directory(path, glm, prefix=""):
    """Saves what GLM's authors publish, but for the tokenizer."""
    config = {"block_position_encoding": True, "num_attention_heads": 4, "model_type": "glm"}
    (path / "config.json").write_text(json.dumps(config))
    state = {f"{prefix}{name}": tensor for name, tensor in glm.state_dict().items()}
    torch.save(state, path / "pytorch_model.bin")
    return str(path)


def example():
    """A text and a span after it: token, position and block position ids, and who sees whom."""
    generator = np.random.default_rng(6)
    length = NUM_TEXT + NUM_SPAN
    token_ids = generator.integers(5, VOCABULARY_SIZE, (1, length))
    position_ids = np.array([[*range(NUM_TEXT), *[BLANK] * NUM_SPAN]])
    block_position_ids = np.array([[0] * NUM_TEXT + list(range(1, NUM_SPAN + 1))])
    order = np.arange(length)
    visible = (order[None] < NUM_TEXT) | (order[None] <= order[:, None])
    return token_ids, position_ids, block_position_ids, visible


def slots_of_example():
    """The same as an objective gives it, with a prediction at every token of the span."""
    token_ids, position_ids, block_position_ids, _ = example()
    length = NUM_TEXT + NUM_SPAN
    step = np.maximum(np.arange(length) - NUM_TEXT + 1, 0)[None]
    return {
        "token_ids": token_ids,
        "position_ids": position_ids,
        "block_position_ids": block_position_ids,
        "segment_ids": np.ones((1, length)),
        "query_step": step,
        "key_start": step,
        "key_end": np.full((1, length), 10**6),
        "prediction_slots": np.arange(NUM_TEXT, length)[None],
        "objective_ids": np.zeros((1, NUM_SPAN)),
    }


def test_a_checkpoint_gives_its_logits_in_blank_infilling(glm, tmp_path):
    pretrained = read_foreign(save(tmp_path / "mp_rank_00_model_states.pt", glm))
    assert pretrained.settings["num_heads"] == NUM_HEADS
    masked_lm = model_from(pretrained)
    assert type(masked_lm) is GLMMaskedLM
    pretrainer = Pretrainer(masked_lm.backbone, lm_head=masked_lm.lm_head)
    slots = slots_of_example()
    found = pretrainer({one.name: slots[one.name].astype("int32") for one in pretrainer.inputs})
    *ids, visible = map(torch.tensor, example())
    with torch.no_grad():
        expected = glm(*ids, visible)[0, NUM_TEXT:].numpy()
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@pytest.mark.parametrize("prefix", ["", "glm."])
def test_a_directory_holds_the_same(prefix, glm, tmp_path):
    expected = read_foreign(save(tmp_path / "checkpoint.pt", glm)).weights
    directory = save_directory(tmp_path, glm, prefix)
    assert is_foreign(directory)
    pretrained = read_foreign(directory)
    assert pretrained.tokenizer is None
    assert pretrained.settings["num_heads"] == 4
    assert pretrained.weights.keys() == expected.keys()
    for path, array in pretrained.weights.items():
        np.testing.assert_array_equal(array, expected[path])


def test_berts_vocabulary_gets_glms_tokens(glm, tmp_path):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{n}" for n in range(25))]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(tokens) + "\n")
    path = save(tmp_path / "checkpoint.pt", glm)
    tokenizer = read_foreign(path, vocabulary=str(vocabulary)).tokenizer
    assert tokenizer.vocabulary[30:35] == (
        "<|startofpiece|>",
        "<|endofpiece|>",
        "[gMASK]",
        "[sMASK]",
        "madeupword0000",
    )
    assert len(tokenizer.vocabulary) == VOCABULARY_SIZE
    assert {token.content for token in tokenizer.added_tokens} >= {"<|startofpiece|>", "[gMASK]"}


def test_a_part_of_a_model_is_refused(glm, tmp_path):
    state = glm.state_dict()
    name = "transformer.layers.0.attention.query_key_value.weight"
    torch.save({"module": state | {name: state[name][: 3 * WIDTH // 2]}}, tmp_path / "part.pt")
    with pytest.raises(ValueError, match=r"one part of a model .* change_mp\.py"):
        read_foreign(str(tmp_path / "part.pt"))


def test_a_model_without_block_positions_is_refused(glm, tmp_path):
    state = glm.state_dict()
    del state["transformer.block_position_embeddings.weight"]
    torch.save({"module": state}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"missing: transformer\.block_position_embeddings"):
        read_foreign(str(tmp_path / "other.pt"))
