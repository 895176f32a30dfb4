"""How many tokens of a document are predicted."""

import numpy as np


def num_predicted(num_candidates, prediction_rate):
    """Counts the tokens predicted in documents: the nearest whole number, halves up, at least 1.

    Args:
        num_candidates: int array of any shape. Tokens of each document that may be predicted.
        prediction_rate: float in (0, 1). Share of them to predict.

    Returns:
        int32 array of the same shape; 0 where a document has no token to predict.
    """
    num_candidates = np.asarray(num_candidates)
    # The small addend keeps products such as 0.15 * 170 = 25.499999999999996 on their half.
    nearest = np.floor(num_candidates * prediction_rate + 0.5 + 1e-9)
    return np.where(num_candidates > 0, np.maximum(nearest, 1), 0).astype(np.int32)
