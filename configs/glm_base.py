"""GLM base: 12 layers, 768 wide, 110 million parameters (arXiv 2103.10360, section 3.1).

    mpnet-pretrain --config=configs/glm_base.py --input=shards --run_dir=runs/glm_base

Short spans alone, as the paper's GLM base. Rate, decay, warm-up and steps are those of the released
training script, which lets the rate fall as a cosine to a twentieth where it falls to 0 in a line
here. For the multi-task mixture of GLM Doc and GLM Sent:
--config.objective.name=glm:0.5,glm_document:0.5 (or glm_sentence:0.5).
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.body = "glm"

    config.objective.name = "glm"

    config.data.vocabulary_size = 30522

    config.optimizer.learning_rate = 4e-4
    config.optimizer.weight_decay = 0.1
    config.optimizer.warmup_steps = 7500

    config.training.steps = 150_000
    config.training.batch_size = 1024
    return config
