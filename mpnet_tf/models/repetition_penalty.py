"""A sampler that makes what was generated before less likely."""

import keras
import keras_hub
from keras import ops


@keras.saving.register_keras_serializable(package="mpnet_tf")
class RepetitionPenaltySampler(keras_hub.samplers.Sampler):
    """Lets another sampler choose, after the scores of the tokens that were there are lowered.

    The score of each token that occurs in the sequence so far is divided by `penalty` where it is
    positive, and multiplied by it where it is negative: the paper divides in both cases, by which
    a negative score would rise. With `GLMCausalLM`, the sequence is what is in the blank so far.

    Args:
        sampler: `keras_hub.samplers.Sampler`, or the name of one such as "greedy".
        penalty: float from 1. 1 changes nothing; the paper uses 1.2.

    Raises:
        ValueError: if `penalty` is below 1.

    Example:

    ```python
    model.compile(sampler=RepetitionPenaltySampler(keras_hub.samplers.TopPSampler(p=0.9), 1.2))
    ```

    References:
        CTRL (https://arxiv.org/abs/1909.05858), section 4.1.
    """

    def __init__(self, sampler, penalty=1.2):
        if not penalty >= 1:
            raise ValueError(f"`penalty` must be at least 1. Received: penalty={penalty}")
        self.sampler = keras_hub.samplers.get(sampler)
        super().__init__(temperature=self.sampler.temperature)
        self.penalty = penalty

    @property
    def variables(self):
        """The other sampler's states of random numbers."""
        return self.sampler.variables

    def __call__(self, next, prompt, mask=None, **kwargs):
        def penalized_next(prompt, cache, index):
            logits, hidden_states, cache = next(prompt, cache, index)
            return self._penalized(logits, prompt, index), hidden_states, cache

        return self.sampler(penalized_next, prompt, mask=mask, **kwargs)

    def _penalized(self, logits, prompt, index):
        """Lowers the logits of the tokens in the first `index` columns of `prompt`."""
        batch_size, vocabulary_size = ops.shape(logits)
        is_there = ops.logical_and(ops.arange(ops.shape(prompt)[1]) < index, prompt >= 0)
        cells = ops.expand_dims(ops.arange(batch_size), 1) * vocabulary_size
        cells = cells + ops.maximum(ops.cast(prompt, cells.dtype), 0)
        counts = ops.segment_sum(
            ops.reshape(ops.cast(is_there, "int32"), (-1,)),
            ops.reshape(cells, (-1,)),
            num_segments=batch_size * vocabulary_size,
        )
        seen = ops.reshape(counts, (batch_size, vocabulary_size)) > 0
        lowered = ops.where(logits > 0, logits / self.penalty, logits * self.penalty)
        return ops.where(seen, lowered, logits)

    def get_config(self):
        return {
            "sampler": keras_hub.samplers.serialize(self.sampler),
            "penalty": self.penalty,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["sampler"] = keras_hub.samplers.deserialize(config["sampler"])
        return cls(**config)
