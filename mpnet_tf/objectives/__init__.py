"""Pretraining objectives: pure functions from rows of tokens to slots and labels."""

from mpnet_tf.objectives.masked_permuted import MaskedPermuted
from mpnet_tf.objectives.token_roles import TokenRoles

__all__ = ["MaskedPermuted", "TokenRoles"]
