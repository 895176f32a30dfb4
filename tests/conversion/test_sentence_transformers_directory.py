"""sentence-transformers models, read and written, against that library."""

import json

import numpy as np
import pytest

from mpnet_tf.conversion.sentence_transformers_directory import (
    read_sentence_transformers,
    write_sentence_transformers,
)
from mpnet_tf.models import MPNetTextEmbedder
from mpnet_tf.models.converted_model import model_from, pretrained_from
from tests.conversion import peer_models
from tests.conversion.peer_models import torch, transformers

sentence_transformers = pytest.importorskip("sentence_transformers")

WORDS = ["the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran", "into", "town", "."]
TOKENS = ["<s>", "<pad>", "</s>", "[UNK]", *WORDS, "<mask>"]
TEXTS = ["The cat sat on the mats.", "A dog ran", "", "cat " * 60]
LONGEST = 40


def make_embedder(path, *, pooling="mean", dense=None, normalize=True):
    """Makes a sentence-transformers model as its users do, and saves it."""
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = path / "body"
    peer_models.make_model("MPNetModel", vocab_size=len(TOKENS)).save_pretrained(body)
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    transformers.MPNetTokenizer(vocabulary).save_pretrained(body)
    modules = [Transformer(str(body), max_seq_length=LONGEST), Pooling(32, pooling_mode=pooling)]
    if dense is not None:
        torch.manual_seed(4)
        modules.append(Dense(32, 20, activation_function=dense))
    if normalize:
        modules.append(Normalize())
    model = sentence_transformers.SentenceTransformer(modules=modules, device="cpu")
    model.save(str(path / "saved"))
    return model, str(path / "saved")


def batch_of(model, texts):
    encoded = model.tokenize(texts)
    return {
        "token_ids": encoded["input_ids"].numpy(),
        "padding_mask": encoded["attention_mask"].numpy(),
    }


CASES = {
    "mean": {},
    "cls": {"pooling": "cls", "dense": torch.nn.Tanh()},
    "max": {"pooling": "max", "normalize": False},
    "root": {
        "pooling": "mean_sqrt_len_tokens",
        "dense": torch.nn.Identity(),
        "normalize": False,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_embeddings_are_the_source_s_and_come_back(case, tmp_path, recwarn):
    source, path = make_embedder(tmp_path, **CASES[case])
    pretrained = read_sentence_transformers(path)
    ours = model_from(pretrained)
    assert type(ours) is MPNetTextEmbedder
    embeddings = np.asarray(ours(batch_of(source, TEXTS)))
    expected = source.encode(TEXTS)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(embeddings, expected, atol=1e-5 * scale)
    cosine = (embeddings * expected).sum(1) / (
        np.linalg.norm(embeddings, axis=1) * np.linalg.norm(expected, axis=1)
    )
    np.testing.assert_allclose(cosine, 1, atol=1e-5)

    back = tmp_path / "back"
    back.mkdir()
    write_sentence_transformers(
        pretrained_from(
            ours,
            carried_config=pretrained.carried_config,
            carried_tensors=pretrained.carried_tensors,
            carried_embedder=pretrained.carried_embedder,
            tokenizer=pretrained.tokenizer,
        ),
        str(back),
    )
    recwarn.clear()
    returned = sentence_transformers.SentenceTransformer(str(back), device="cpu")
    assert [str(warning.message) for warning in recwarn] == []
    peer_models.assert_same_state(returned, source)
    assert returned.max_seq_length == source.max_seq_length == LONGEST
    np.testing.assert_array_equal(returned.encode(TEXTS), expected)


def test_a_fresh_embedder_is_one_for_sentence_transformers(tmp_path):
    _, path = make_embedder(tmp_path)
    pretrained = read_sentence_transformers(path)
    assert pretrained.head_settings["pooling"] == "mean"
    assert MPNetTextEmbedder.from_preset(path).normalize


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("modules.json", lambda modules: modules[:1], r"modules Transformer\. Those that can"),
        (
            "modules.json",
            lambda modules: [modules[0], modules[2], modules[1]],
            r"modules Transformer, Normalize, Pooling\.",
        ),
        (
            "1_Pooling/config.json",
            lambda config: config | {"pooling_mode": "lasttoken"},
            r"pooling by lasttoken\. One of cls, mean, max, mean_sqrt_len_tokens",
        ),
        (
            "1_Pooling/config.json",
            lambda config: config | {"include_prompt": False},
            r"leaves prompts out",
        ),
        (
            "sentence_bert_config.json",
            lambda config: config | {"do_lower_case": True},
            r"do_lower_case=true",
        ),
    ],
)
def test_what_the_embedder_cannot_do_is_refused(file, change, message, tmp_path):
    _, path = make_embedder(tmp_path)
    settings = tmp_path / "saved" / file
    settings.write_text(json.dumps(change(json.loads(settings.read_text()))))
    with pytest.raises(ValueError, match=message):
        read_sentence_transformers(path)


def test_switches_of_older_versions_are_known(tmp_path):
    _, path = make_embedder(tmp_path)
    settings = tmp_path / "saved" / "1_Pooling" / "config.json"
    settings.write_text(
        json.dumps(
            {
                "word_embedding_dimension": 32,
                "pooling_mode_cls_token": True,
                "pooling_mode_mean_tokens": False,
            }
        )
    )
    assert read_sentence_transformers(path).head_settings["pooling"] == "cls"
