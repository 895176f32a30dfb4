"""How the next token is chosen, for each row of a request by its own options."""

import dataclasses

import tensorflow as tf

# Below every logit.
_NEVER = -1e30


@dataclasses.dataclass(frozen=True)
class TokenChoice:
    """Chooses the next token of each row.

    Args:
        temperature: float32 tensor `(batch_size,)`. The logits are divided by it; 0 for the
            likeliest token.
        top_k: int32 `(batch_size,)`. So many of the likeliest tokens are chosen from; 0 for all.
        top_p: float32 `(batch_size,)`. The likeliest tokens whose probabilities together reach it
            are chosen from; 1 for all.
        repetition_penalty: float32 `(batch_size,)`, from 1. The logit of a token that is there
            already is divided by it if it is positive, and multiplied otherwise.
        seed: int32 `(batch_size,)`. A row with the same seed is answered the same, whatever comes
            with it.

    References:
        top-k: [Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833), section
        5.2; top-p: [The Curious Case of Neural Text Degeneration](
        https://arxiv.org/abs/1904.09751), section 3.1; repetition penalty: [CTRL](
        https://arxiv.org/abs/1909.05858), section 4.1.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    repetition_penalty: tf.Tensor
    seed: tf.Tensor

    def choose(self, logits, is_there, number):
        """Chooses a token for each row.

        Args:
            logits: float32 tensor `(batch_size, vocabulary_size)`.
            is_there: bool tensor of this shape. The tokens that the blank has already.
            number: int32 scalar. How many tokens came before, so that each has its own noise.

        Returns:
            int32 tensor `(batch_size,)`.
        """
        penalty = self.repetition_penalty[:, tf.newaxis]
        lowered = tf.where(logits > 0, logits / penalty, logits * penalty)
        logits = tf.where(is_there, lowered, logits)
        likeliest = tf.argmax(logits, axis=1, output_type=tf.int32)
        samples = self.temperature > 0
        return tf.cond(
            tf.reduce_any(samples),
            lambda: tf.where(samples, self._sample(logits, number), likeliest),
            lambda: likeliest,
        )

    def _sample(self, logits, number):
        logits /= tf.where(self.temperature > 0, self.temperature, 1.0)[:, tf.newaxis]
        logits = tf.where(logits >= self._least_logits(logits)[:, tf.newaxis], logits, _NEVER)

        def noise_of(seed):
            uniform = tf.random.stateless_uniform(
                tf.shape(logits)[1:], tf.stack([seed, number]), minval=1e-20
            )
            return -tf.math.log(-tf.math.log(uniform))

        # The largest of logits with Gumbel noise is a sample of their softmax.
        noise = tf.map_fn(noise_of, self.seed, fn_output_signature=tf.float32)
        return tf.argmax(logits + noise, axis=1, output_type=tf.int32)

    def _least_logits(self, logits):
        """Returns the least logit of each row that is chosen from."""
        vocabulary_size = tf.shape(logits)[1]
        ordered = tf.sort(logits, axis=1, direction="DESCENDING")
        before = tf.cumsum(tf.nn.softmax(ordered), axis=1, exclusive=True)
        # The likeliest is always among them.
        by_share = tf.reduce_sum(tf.cast(before < self.top_p[:, tf.newaxis], tf.int32), axis=1)
        by_number = tf.where(self.top_k > 0, self.top_k, vocabulary_size)
        count = tf.clip_by_value(tf.minimum(by_share, by_number), 1, vocabulary_size)
        return tf.gather(ordered, count - 1, batch_dims=1)
