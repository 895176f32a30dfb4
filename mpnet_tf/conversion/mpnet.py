"""MPNet as `transformers` has it."""

import types

from mpnet_tf.conversion.architecture import (
    Architecture,
    Head,
    common_heads,
    lm_head_rules,
)
from mpnet_tf.conversion.weight_rules import dense, table

# Constants in the code of `transformers`, not in its configuration.
_MAX_RELATIVE_DISTANCE = 128


def _classifier_rules(settings, head_settings):
    width = settings["hidden_dim"]
    return [
        *dense({"pooled_dense": width}, {"classifier.dense": width}, width),
        *dense(
            {"logits": head_settings["num_classes"]},
            {"classifier.out_proj": head_settings["num_classes"]},
            width,
        ),
    ]


class MPNetArchitecture(Architecture):
    """MPNet.

    References:
        `transformers` 5.23, `models/mpnet/modeling_mpnet.py`.
    """

    model_type = "mpnet"
    body = "mpnet"
    position_offset = 2
    heads = types.MappingProxyType(
        {
            **common_heads("MPNet", prefix="mpnet."),
            "masked_lm": Head(
                "MPNetForMaskedLM",
                lm_head_rules("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
                body_prefix="mpnet.",
                copies={
                    "lm_head.decoder.weight": "mpnet.embeddings.word_embeddings.weight",
                    "lm_head.decoder.bias": "lm_head.bias",
                },
                carried=("mpnet.pooler.",),
            ),
            "text_classifier": Head(
                "MPNetForSequenceClassification",
                _classifier_rules,
                body_prefix="mpnet.",
                carried=("mpnet.pooler.",),
            ),
        }
    )

    def settings(self, config):
        settings = super().settings(config)
        settings["num_relative_buckets"] = config.get("relative_attention_num_buckets", 32)
        settings["max_relative_distance"] = _MAX_RELATIVE_DISTANCE
        return settings

    def config(self, settings):
        if settings["max_relative_distance"] != _MAX_RELATIVE_DISTANCE:
            raise ValueError(
                f"Hugging Face's MPNet has a `max_relative_distance` of {_MAX_RELATIVE_DISTANCE} "
                "and no setting for it. Received: max_relative_distance="
                f"{settings['max_relative_distance']}"
            )
        return {
            **super().config(settings),
            "relative_attention_num_buckets": settings["num_relative_buckets"],
        }

    def _own_rules(self, prefix, settings):
        return table(
            "relative_position_bias/embeddings",
            f"{prefix}encoder.relative_attention_bias.weight",
            (settings["num_relative_buckets"], settings["num_heads"]),
        )

    def _attention_names(self, layer):
        attention = f"{layer}.attention"
        return {
            "query": f"{attention}.attn.q",
            "key": f"{attention}.attn.k",
            "value": f"{attention}.attn.v",
            "output": f"{attention}.attn.o",
            "norm": f"{attention}.LayerNorm",
        }
