"""MPNet for the demo: learns from a megabyte of English in minutes on two cores.

    mpnet-pretrain --config=configs/mpnet_demo.py --run_dir=runs/demo

Without --input it reads the reference text that ships with Python. docs/results.md has its curve.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.num_layers = 2
    config.model.num_heads = 6
    config.model.hidden_dim = 192
    config.model.intermediate_dim = 768
    config.model.max_sequence_length = 64
    # Drawing the random numbers takes time, and a run this short cannot overfit.
    config.model.dropout = 0.0
    config.model.attention_dropout = 0.0
    # A narrow model stays at the unigram loss for long from the paper's 0.02 (docs/decisions.md).
    config.model.initializer_stddev = 0.08

    config.data.vocabulary_size = 3000
    config.data.sequence_length = 64

    config.optimizer.learning_rate = 3e-3
    # So short a run would not come to look at neighbours (docs/decisions.md).
    config.optimizer.relative_bias_rate = 10.0
    config.optimizer.warmup_steps = 60

    config.training.steps = 1400
    config.training.batch_size = 32
    config.training.evaluate_every = 100
    return config
