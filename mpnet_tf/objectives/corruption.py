"""What stands in for a predicted token: the mask, a random token or the token itself."""

import tensorflow as tf

from mpnet_tf.objectives.draws import shares
from mpnet_tf.objectives.look_up import look_up


def corrupt(token_ids, random_numbers, *, roles, mask_rate, random_rate):
    """Replaces tokens as BERT does (arXiv 1810.04805, section 3.1): 80 : 10 : 10 by default.

    Args:
        token_ids: int32 tensor of any shape. Tokens to predict.
        random_numbers: int32 tensor of that shape, as of `draws.integers`.
        roles: `TokenRoles`. Random tokens are drawn evenly from its ids that stand for text.
        mask_rate: float in [0, 1]. Share replaced by the mask.
        random_rate: float in [0, 1 - mask_rate]. Share replaced by a random token; the rest stay.

    Returns:
        int32 tensor of the same shape.
    """
    # The high bits tell whether a random token stands there, the remainder tells which: within a
    # tenth of all integers, remainders are as even as within all.
    fate = shares(random_numbers)
    text_token_ids = tf.constant(roles.text_token_ids)
    random_ids = look_up(text_token_ids, random_numbers % tf.size(text_token_ids))
    replaced = tf.where(fate < mask_rate + random_rate, random_ids, token_ids)
    return tf.where(fate < mask_rate, roles.mask_token_id, replaced)
