"""Learning-rate schedules."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class LinearWarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly over the warm-up, then falls linearly to zero at the last step.

    With s steps done, w warm-up steps and t steps in all, the rate is
    `peak * min((s + 1) / (w + 1), (t - s) / (t - w))`: no step is lost at a rate of zero.

    Args:
        peak: float. The highest rate, at step `warmup_steps`.
        warmup_steps: int below `total_steps`.
        total_steps: int.

    Raises:
        ValueError: if the warm-up takes all steps.
    """

    def __init__(self, peak, warmup_steps, total_steps):
        if not 0 <= warmup_steps < total_steps:
            raise ValueError(
                "`warmup_steps` must be less than all the run's steps. "
                f"Received: warmup_steps={warmup_steps}, total_steps={total_steps}"
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = (step + 1) / (self.warmup_steps + 1)
        falling = (self.total_steps - step) / (self.total_steps - self.warmup_steps)
        return self.peak * ops.maximum(ops.minimum(rising, falling), 0.0)

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }
