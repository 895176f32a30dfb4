"""The bias of bodies without relative positions."""

import numpy as np
import pytest

from mpnet_tf.layers.visibility_bias import VisibilityBias


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "bfloat16", "float16"])
def test_hides_what_is_not_visible(dtype):
    visible = np.array([[[True, False], [True, True]], [[False, False], [False, True]]])
    positions = np.zeros((2, 2), "int32")
    bias = VisibilityBias(dtype=dtype)(positions, positions, visible)
    assert bias.dtype == "float32" and bias.shape == (2, 1, 2, 2)
    bias = np.asarray(bias)[:, 0]
    assert (bias[visible] == 0).all() and (bias[~visible] == -1e9).all()
