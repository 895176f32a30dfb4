"""Pretraining checkpoints of MPNet's authors and of annotated-mpnet.

They are made here of a model of `transformers`, by the correspondence that both projects' own
converters to it have: the three projections of attention in one matrix, and other names.
"""

import argparse
import re

import pytest

from mpnet_tf.conversion.checkpoint_vocabulary import read_checkpoint_vocabulary
from mpnet_tf.conversion.sources import read_foreign
from mpnet_tf.models.converted_model import model_from
from tests.conversion import peer_models
from tests.conversion.peer_models import torch

NAMES = {
    r"^mpnet\.embeddings\.word_embeddings": "sentence_encoder.embed_tokens",
    r"^mpnet\.embeddings\.position_embeddings": "sentence_encoder.embed_positions",
    r"^mpnet\.embeddings\.LayerNorm": "sentence_encoder.emb_layer_norm",
    r"^mpnet\.encoder\.relative_attention_bias": "sentence_encoder.relative_attention_bias",
    r"^mpnet\.encoder\.layer\.": "sentence_encoder.layers.",
    r"\.attention\.attn\.o\.": ".self_attn.out_proj.",
    r"\.attention\.LayerNorm\.": ".self_attn_layer_norm.",
    r"\.intermediate\.dense\.": ".fc1.",
    r"\.output\.dense\.": ".fc2.",
    r"\.output\.LayerNorm\.": ".final_layer_norm.",
}


@pytest.fixture(scope="module")
def model():
    return peer_models.make_model("MPNetForMaskedLM")


def original_state(model):
    """Returns the same weights as the original programs name and join them."""
    state, original = model.state_dict(), {}
    for name, tensor in state.items():
        if re.search(r"\.attn\.[kv]\.|decoder", name):
            continue
        if ".attn.q." in name:
            parts = [state[name.replace(".q.", f".{part}.")] for part in "qkv"]
            name = re.sub(r"attention\.attn\.q\.", "self_attn.in_proj_", name)
            tensor = torch.cat(parts)
        for pattern, replacement in NAMES.items():
            name = re.sub(pattern, replacement, name)
        original[name] = tensor
    original["lm_head.weight"] = original["sentence_encoder.embed_tokens.weight"]
    return original


def arguments(**changes):
    return {
        "encoder_layers": 2,
        "encoder_embed_dim": 32,
        "encoder_attention_heads": 4,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "activation_fn": "gelu",
        **changes,
    }


def fairseq_checkpoint(model, **changes):
    return {
        "args": argparse.Namespace(**arguments(encoder_ffn_embed_dim=48, **changes)),
        "model": {f"decoder.{name}": tensor for name, tensor in original_state(model).items()},
        "optimizer_history": [{"num_updates": 5}],
    }


def annotated_checkpoint(model, **changes):
    return {
        "args": arguments(
            encoder_ffn_dim=48,
            relative_attention_num_buckets=32,
            relative_attention_max_distance=128,
            normalize_before=False,
            **changes,
        ),
        "model_states": {
            f"_orig_mod.{name}": tensor for name, tensor in original_state(model).items()
        },
        "steps": 5,
    }


@pytest.mark.parametrize("make", [fairseq_checkpoint, annotated_checkpoint])
def test_a_checkpoint_gives_the_logits_of_its_model(make, model, tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    torch.save(make(model), path)
    pretrained = read_foreign(path)
    assert pretrained.settings["max_sequence_length"] == peer_models.NUM_POSITIONS
    arrays = peer_models.inputs(model)
    difference = peer_models.largest_difference(
        peer_models.our_outputs(model_from(pretrained), "masked_lm", arrays),
        peer_models.outputs(model, arrays),
        arrays,
    )
    assert difference < 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation_fn": "relu"}, r"activation_fn='relu', where 'gelu' can be converted"),
        ({"normalize_before": True}, r"normalize_before=True, where False"),
        ({"num_segments": 2}, r"num_segments=2, where 0"),
        ({"encoder_layers": 3}, r"tensors are missing: sentence_encoder\.layers\.2\."),
    ],
)
def test_another_model_is_refused(changes, message, model, tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    torch.save(fairseq_checkpoint(model, **changes), path)
    with pytest.raises(ValueError, match=message):
        read_foreign(path)


def test_a_pickle_of_other_objects_is_refused_unless_asked_for(model, tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    torch.save(fairseq_checkpoint(model) | {"task": re.compile("a")}, path)
    with pytest.raises(ValueError, match=r"object of re\._compile.*any code.*weights_only=False"):
        read_foreign(path)
    assert read_foreign(path, weights_only=False).body == "mpnet"


@pytest.mark.parametrize("contents", [{}, {"args": {}}, {"args": {}, "model": {"a": 1}}, [1]])
def test_other_files_are_refused(contents, tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    torch.save(contents, path)
    with pytest.raises(
        ValueError, match=r"no pretraining checkpoint of MPNet or GLM|no state dict"
    ):
        read_foreign(path)


def test_a_file_that_is_cut_off_is_refused(model, tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save(fairseq_checkpoint(model), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"checkpoint\.pt cannot be read"):
        read_foreign(str(path))


def test_a_dictionary_gets_the_tokens_that_fairseq_adds(tmp_path):
    path = tmp_path / "dict.txt"
    path.write_text("[PAD] 0\n[UNK] 0\nthe 12\n##s 3\n")
    tokenizer = read_checkpoint_vocabulary(str(path))
    assert tokenizer.vocabulary == (
        *("<s>", "<pad>", "</s>", "<unk>"),
        *("[PAD]", "[UNK]", "the", "##s"),
        "<mask>",
    )
    assert tokenizer.special_tokens["unk_token"] == "[UNK]"


def test_a_dictionary_fills_the_table(model, tmp_path):
    torch.save(fairseq_checkpoint(model), tmp_path / "checkpoint.pt")
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text("".join(f"word{number} 1\n" for number in range(50)))
    pretrained = read_foreign(str(tmp_path / "checkpoint.pt"), vocabulary=str(dictionary))
    assert len(pretrained.tokenizer.vocabulary) == peer_models.VOCABULARY_SIZE
    assert pretrained.tokenizer.vocabulary[-7:-5] == ("word49", "<mask>")
    dictionary.write_text("".join(f"word{number} 1\n" for number in range(70)))
    with pytest.raises(ValueError, match=r"75 tokens.*60 rows"):
        read_foreign(str(tmp_path / "checkpoint.pt"), vocabulary=str(dictionary))


@pytest.mark.parametrize("contents", ["", "the\n", "the twelve\n", "[UNK] 1\nthe 0\nthe 2\n"])
def test_another_file_is_no_vocabulary(contents, tmp_path):
    path = tmp_path / "dict.txt"
    path.write_text(contents)
    with pytest.raises(ValueError, match=r"dict\.txt: (the vocabulary|token 'the')"):
        read_checkpoint_vocabulary(str(path))
