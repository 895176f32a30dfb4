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
    # A narrow model stays at the unigram loss for long from the paper's 0.02 (docs/decisions.md).
    config.model.initializer_stddev = 0.06

    config.data.vocabulary_size = 16000
    config.data.sequence_length = 128

    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 500

    config.training.steps = 20000
    config.training.batch_size = 32
    config.training.evaluate_every = 500
    return config
