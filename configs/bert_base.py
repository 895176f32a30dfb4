"""BERT base: 12 layers, 768 wide, masked language modelling of single tokens.

    mpnet-pretrain --config=configs/bert_base.py --input=shards --run_dir=runs/bert_base

Hyper-parameters of arXiv 1810.04805, appendix A.2, without next-sentence prediction, as
arXiv 1907.11692 found best. `--config.objective.granularity=word` masks whole words.
"""

from mpnet_tf.training.config import default_recipe


def get_config():
    """Returns the recipe."""
    config = default_recipe()

    config.model.body = "bert"
    config.model.layer_norm_epsilon = 1e-12

    config.objective.name = "mlm"
    config.objective.granularity = "token"

    config.data.vocabulary_size = 30522

    config.optimizer.learning_rate = 1e-4
    config.optimizer.beta_2 = 0.999
    config.optimizer.warmup_steps = 10_000

    config.training.steps = 1_000_000
    config.training.batch_size = 256
    return config
