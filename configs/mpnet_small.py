"""MPNet small: 4 layers, 256 wide, for corpora of some ten megabytes on one machine.

    mpnet-pretrain --config=configs/mpnet_small.py --input='corpus/*.txt' --run_dir=runs/small

docs/results.md has the curve of twenty minutes on two cores.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.num_layers = 4
    config.model.num_heads = 4
    config.model.hidden_dim = 256
    config.model.intermediate_dim = 1024
    config.model.max_sequence_length = 128
    # Drawing the random numbers takes time, and a few epochs do without.
    config.model.dropout = 0.0
    config.model.attention_dropout = 0.0
    # A narrow model stays at the unigram loss for long from the paper's 0.02 (docs/decisions.md).
    config.model.initializer_stddev = 0.05

    config.data.vocabulary_size = 8000
    config.data.sequence_length = 128

    config.optimizer.learning_rate = 7e-4
    # Short runs would not come to look at neighbours (docs/decisions.md).
    config.optimizer.relative_bias_rate = 50.0
    config.optimizer.warmup_steps = 100

    config.training.steps = 20000
    config.training.batch_size = 16
    config.training.evaluate_every = 100
    return config
