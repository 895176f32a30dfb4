"""Permuted language modelling at base size, on a body with relative positions alone.

    mpnet-pretrain --config=configs/xlnet_style_base.py --input=shards --run_dir=runs/xlnet_base

The PLM that MPNet's paper compares with (arXiv 2004.09297, section 4.4): its training is MPNet's,
and all of it the default of `PretrainingConfig`.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.body = "xlnet_style"

    config.objective.name = "plm"
    return config
