"""The optimizer of a run."""

import keras

from mpnet_tf.training.schedules import LinearWarmupDecay


def make_optimizer(config, model, *, total_steps):
    """Makes AdamW as pretraining uses it: biases and layer norms do not decay.

    Args:
        config: `OptimizerConfig`.
        model: built Keras model, whose variables tell what decays: those of rank 2 and above.
        total_steps: int. Steps of the whole run.

    Returns:
        `keras.optimizers.AdamW`, built for the model's variables.
    """
    schedule = LinearWarmupDecay(
        config.learning_rate, warmup_steps=config.warmup_steps, total_steps=total_steps
    )
    optimizer = keras.optimizers.AdamW(
        learning_rate=schedule,
        beta_1=config.beta_1,
        beta_2=config.beta_2,
        epsilon=config.epsilon,
        weight_decay=config.weight_decay,
        global_clipnorm=config.global_clipnorm,
    )
    optimizer.exclude_from_weight_decay(
        var_list=[variable for variable in model.trainable_variables if len(variable.shape) < 2]
    )
    optimizer.build(model.trainable_variables)
    return optimizer
