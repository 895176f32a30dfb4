"""Pretraining objectives: pure functions from rows of tokens to slots and labels.

An objective is called with rows, a dict of int32 tensors `(batch_size, sequence_length)`, and a
seed, an int32 tensor `(2,)`:

- `token_ids`: documents one after the other, each between `<s>` and `</s>`, and padding behind;
- `position_ids`: places within each document, from 0;
- `segment_ids`: the number of each token's document in the row, from 1; 0 for padding.

It returns slots, as `mpnet_tf.objectives.visibility` lists them, and the labels `target_ids` and
`target_weights`.
"""

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
