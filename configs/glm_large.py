"""GLM large: 24 layers, 1024 wide, 335 million parameters (arXiv 2103.10360, section 3.1).

    mpnet-pretrain --config=configs/glm_large.py --input=shards --run_dir=runs/glm_large

As configs/glm_base.py, with the rate and steps of the released script for the large model.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.body = "glm"
    config.model.num_layers = 24
    config.model.num_heads = 16
    config.model.hidden_dim = 1024
    config.model.intermediate_dim = 4096

    config.objective.name = "glm"

    config.data.vocabulary_size = 30522

    config.optimizer.learning_rate = 2e-4
    config.optimizer.weight_decay = 0.1
    config.optimizer.warmup_steps = 10_000

    config.training.steps = 200_000
    config.training.batch_size = 1024
    return config
