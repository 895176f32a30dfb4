"""GLM small: 4 layers, 256 wide, the paper's multi-task mixture, for one machine.

    mpnet-pretrain --config=configs/glm_small.py --input='corpus/*.txt' --run_dir=runs/glm_small

Half of the rows infill short spans, a quarter whole sentences, and a quarter the second half of a
document or more (arXiv 2103.10360, section 2.1.1).
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.body = "glm"
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

    config.objective.name = "glm:0.5,glm_document:0.25,glm_sentence:0.25"

    config.data.vocabulary_size = 8000
    config.data.sequence_length = 128

    config.optimizer.learning_rate = 2e-3
    config.optimizer.warmup_steps = 200

    config.training.steps = 20000
    config.training.batch_size = 16
    config.training.evaluate_every = 100
    return config
