"""MPNet large: the paper's training at the size of BERT large.

    mpnet-pretrain --config=configs/mpnet_large.py --input=shards --run_dir=runs/large

The paper gives no results at this size; its learning rate is that of RoBERTa large
(arXiv 1907.11692, table 9), which has the same shape, batch and steps.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.num_layers = 24
    config.model.num_heads = 16
    config.model.hidden_dim = 1024
    config.model.intermediate_dim = 4096

    config.optimizer.learning_rate = 4e-4
    config.optimizer.warmup_steps = 30000
    return config
