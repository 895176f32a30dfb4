"""The models of the peers of `pretraining_peers.py`, and their losses.

Each function takes the sizes of the case and a checkout, and returns the model and a function from
its outputs and the batch to the loss.
"""

import contextlib
import sys
import tempfile
import types

import torch
from torch.nn import functional

_VOCABULARY_SIZE, _PAD = 30527, 1


def _sizes(model):
    base = {"num_layers": 12, "num_heads": 12, "hidden_dim": 768, "intermediate_dim": 3072}
    return types.SimpleNamespace(**{**base, **model})


class _Tokenizer:
    """What annotated-mpnet's model asks a tokenizer for."""

    pad_token, pad_token_id, vocab_size = "<pad>", _PAD, _VOCABULARY_SIZE
    vocab = types.MappingProxyType({"<pad>": _PAD})

    def __len__(self):
        return _VOCABULARY_SIZE


def annotated_mpnet(model, directory):
    """Makes annotated-mpnet's model, or its fork's, with the mean of the cross-entropy as loss."""
    sys.path.insert(0, directory)
    # Its collators and data sets, which import more than is here.
    _stand_in("annotated_mpnet.data")
    from annotated_mpnet.modeling import MPNetForPretraining

    sizes = _sizes(model)
    args = types.SimpleNamespace(
        encoder_layers=sizes.num_layers,
        encoder_embed_dim=sizes.hidden_dim,
        encoder_ffn_dim=sizes.intermediate_dim,
        encoder_attention_heads=sizes.num_heads,
        dropout=0.1,
        attention_dropout=0.1,
        activation_dropout=0.0,
        activation_fn="gelu",
        max_positions=512,
        normalize_before=False,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=128,
    )

    def loss_of(logits, batch):
        logits = logits.float().view(-1, logits.size(-1))
        return functional.cross_entropy(logits, batch["targets"].view(-1))

    return MPNetForPretraining(args, _Tokenizer()), loss_of


def bert(model, directory):
    """Makes the BertForMaskedLM of `transformers`, which computes its own loss."""
    import transformers

    del directory
    sizes = _sizes(model)
    config = transformers.BertConfig(
        vocab_size=_VOCABULARY_SIZE,
        num_hidden_layers=sizes.num_layers,
        num_attention_heads=sizes.num_heads,
        hidden_size=sizes.hidden_dim,
        intermediate_size=sizes.intermediate_dim,
    )
    return transformers.BertForMaskedLM(config), lambda outputs, batch: outputs.loss


def glm(model, directory):
    """Makes THUDM/GLM's model, with its own parallel cross-entropy in a world of one process.

    What it imports beside PyTorch computes nothing on a CPU: apex' layer norm calls PyTorch's
    there, and DeepSpeed would only keep random states of GPUs.
    """
    sys.path.insert(0, directory)
    for package in ("apex", "apex.normalization"):
        _stand_in(package)
    _stand_in("apex.normalization.fused_layer_norm", FusedLayerNorm=torch.nn.LayerNorm)
    _stand_in("torch._six", inf=float("inf"))
    _stand_in("tensorboardX", SummaryWriter=None)
    tracker = types.SimpleNamespace(fork=contextlib.nullcontext)
    _stand_in(
        "deepspeed",
        checkpointing=types.SimpleNamespace(
            is_configured=lambda: True, get_cuda_rng_tracker=lambda: tracker, checkpoint=None
        ),
    )
    import mpu
    from model.modeling_glm import GLMModel

    _begin_world_of_one(mpu)
    sizes = _sizes({name: value for name, value in model.items() if name != "body"})
    network = GLMModel(
        num_layers=sizes.num_layers,
        vocab_size=_VOCABULARY_SIZE,
        hidden_size=sizes.hidden_dim,
        num_attention_heads=sizes.num_heads,
        embedding_dropout_prob=0.1,
        attention_dropout_prob=0.1,
        output_dropout_prob=0.1,
        max_sequence_length=512,
        max_memory_length=0,
        checkpoint_activations=False,
        block_position_encoding=True,
    )

    def loss_of(outputs, batch):
        is_target = (batch["targets"] >= 0).float().view(-1)
        labels = batch["targets"].clamp(min=0)
        losses = mpu.vocab_parallel_cross_entropy(outputs[0].contiguous().float(), labels)
        return torch.sum(losses.view(-1) * is_target) / is_target.sum()

    return network, loss_of


def _begin_world_of_one(mpu):
    store = torch.distributed.FileStore(tempfile.mkstemp()[1], 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    mpu.initialize_model_parallel(1)


def _stand_in(name, **attributes):
    """Puts a module in the place of one that the peer imports and does not need here."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module
