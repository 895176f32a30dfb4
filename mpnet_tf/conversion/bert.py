"""BERT as `transformers` has it."""

import types

from mpnet_tf.conversion.architecture import (
    Architecture,
    Head,
    common_heads,
    lm_head_rules,
    projection_rules,
)
from mpnet_tf.conversion.weight_rules import dense, table

_PREDICTIONS = "cls.predictions"
_MASKED_LM_RULES = lm_head_rules(
    f"{_PREDICTIONS}.transform.dense",
    f"{_PREDICTIONS}.transform.LayerNorm",
    f"{_PREDICTIONS}.bias",
)
_COPIES = {
    f"{_PREDICTIONS}.decoder.weight": "bert.embeddings.word_embeddings.weight",
    f"{_PREDICTIONS}.decoder.bias": f"{_PREDICTIONS}.bias",
}


def _classifier_rules(settings, head_settings):
    width = settings["hidden_dim"]
    return [
        *dense({"pooled_dense": width}, {"bert.pooler.dense": width}, width),
        *projection_rules("classifier")(settings, head_settings),
    ]


class BertArchitecture(Architecture):
    """BERT, without its prediction of the next sentence.

    References:
        `transformers` 5.23, `models/bert/modeling_bert.py`.
    """

    model_type = "bert"
    body = "bert"
    heads = types.MappingProxyType(
        {
            **common_heads("Bert", prefix="bert."),
            "masked_lm": Head(
                "BertForMaskedLM",
                _MASKED_LM_RULES,
                body_prefix="bert.",
                copies=_COPIES,
                carried=("bert.pooler.", "cls.seq_relationship."),
            ),
            "text_classifier": Head(
                "BertForSequenceClassification", _classifier_rules, body_prefix="bert."
            ),
        }
    )

    def task_of_class(self, class_name):
        # The same model with one more head, which is carried.
        if class_name == "BertForPreTraining":
            return "masked_lm"
        return super().task_of_class(class_name)

    def _check_config(self, config):
        super()._check_config(config)
        if config.get("is_decoder") or config.get("add_cross_attention"):
            raise ValueError(
                "config.json describes a decoder (is_decoder or add_cross_attention), where "
                "encoders can be converted"
            )
        if config.get("type_vocab_size", 2) != 2:
            raise ValueError(
                f"config.json has type_vocab_size={config['type_vocab_size']}, where 2 can be "
                "converted"
            )
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise ValueError(
                f"config.json has position_embedding_type={config['position_embedding_type']!r}, "
                "where 'absolute' can be converted"
            )

    def config(self, settings):
        return {**super().config(settings), "type_vocab_size": 2}

    def _own_rules(self, prefix, settings):
        return table(
            "embeddings/segment_embedding/embeddings",
            f"{prefix}embeddings.token_type_embeddings.weight",
            (2, settings["hidden_dim"]),
        )

    def _attention_names(self, layer):
        attention = f"{layer}.attention"
        return {
            "query": f"{attention}.self.query",
            "key": f"{attention}.self.key",
            "value": f"{attention}.self.value",
            "output": f"{attention}.output.dense",
            "norm": f"{attention}.output.LayerNorm",
        }
