"""Pretraining objectives: pure functions from rows of tokens to slots and labels."""

from mpnet_tf.objectives.blank_infilling import BlankInfilling
from mpnet_tf.objectives.causal import Causal
from mpnet_tf.objectives.masked import Masked
from mpnet_tf.objectives.masked_permuted import MaskedPermuted
from mpnet_tf.objectives.mixture import Mixture
from mpnet_tf.objectives.permuted import Permuted
from mpnet_tf.objectives.registry import OBJECTIVES, make_objective
from mpnet_tf.objectives.token_roles import TokenRoles

__all__ = [
    "OBJECTIVES",
    "BlankInfilling",
    "Causal",
    "Masked",
    "MaskedPermuted",
    "Mixture",
    "Permuted",
    "TokenRoles",
    "make_objective",
]
