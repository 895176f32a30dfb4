"""MPNet for the demo: learns from a megabyte of English in minutes on two cores.

    mpnet-pretrain --config=configs/mpnet_demo.py --run_dir=runs/demo

Without --input it reads the reference text that ships with Python.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.num_layers = 4
    config.model.num_heads = 4
    config.model.hidden_dim = 192
    config.model.intermediate_dim = 768
    config.model.max_sequence_length = 128

    config.data.vocabulary_size = 6000
    config.data.sequence_length = 128

    config.optimizer.learning_rate = 2e-3
    config.optimizer.warmup_steps = 100

    config.training.steps = 1200
    config.training.batch_size = 16
    config.training.evaluate_every = 100
    config.training.evaluation_batches = 20
    return config
