"""MPNet base, with the hyper-parameters of the paper (arXiv 2004.09297, section 3.1).

    mpnet-pretrain --config=configs/mpnet_base.py --input=shards --run_dir=runs/base

12 layers, 768 wide, 110 million parameters; 500,000 steps of 8,192 rows of 512 tokens. All of it
is the default of `PretrainingConfig`. The paper took 32 GPUs of 32 GB for it.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    return default_recipe()
