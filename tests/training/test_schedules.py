"""The learning rate against values worked by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.training.schedules import LinearWarmupDecay


def test_values_worked_by_hand():
    # Four warm-up steps reach the peak of 5 at step 4; six more steps fall to 0 at step 10.
    schedule = LinearWarmupDecay(5.0, warmup_steps=4, total_steps=10)
    rates = [float(schedule(step)) for step in range(13)]
    by_hand = [1, 2, 3, 4, 5, 5 * 5 / 6, 5 * 4 / 6, 5 * 3 / 6, 5 * 2 / 6, 5 * 1 / 6, 0, 0, 0]
    np.testing.assert_allclose(rates, by_hand, rtol=1e-6)


def test_without_warmup_it_falls_from_the_peak():
    schedule = LinearWarmupDecay(2.0, warmup_steps=0, total_steps=4)
    np.testing.assert_allclose(
        [float(schedule(step)) for step in range(5)], [2, 1.5, 1, 0.5, 0], rtol=1e-6
    )


def test_the_paper_s_schedule_at_its_corners():
    schedule = LinearWarmupDecay(6e-4, warmup_steps=24_000, total_steps=500_000)
    for step, rate in [(0, 6e-4 / 24_001), (24_000, 6e-4), (262_000, 3e-4), (500_000, 0)]:
        np.testing.assert_allclose(float(schedule(step)), rate, rtol=1e-5)


def test_it_works_in_a_graph_on_the_optimizer_s_counter():
    schedule = LinearWarmupDecay(5.0, warmup_steps=4, total_steps=10)
    rate = tf.function(schedule)(tf.constant(6, tf.int64))
    assert rate.dtype == tf.float32
    np.testing.assert_allclose(rate, 5 * 4 / 6, rtol=1e-6)


def test_serialisation_keeps_the_schedule():
    schedule = LinearWarmupDecay(0.3, warmup_steps=2, total_steps=9)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert restored.get_config() == {"peak": 0.3, "warmup_steps": 2, "total_steps": 9}
    for step in range(10):
        assert float(restored(step)) == float(schedule(step))


@pytest.mark.parametrize(("warmup_steps", "total_steps"), [(10, 10), (11, 10), (-1, 10), (0, 0)])
def test_warmup_that_takes_all_steps_is_refused(warmup_steps, total_steps):
    message = rf"less than all .*warmup_steps={warmup_steps}, total_steps={total_steps}"
    with pytest.raises(ValueError, match=message):
        LinearWarmupDecay(1.0, warmup_steps=warmup_steps, total_steps=total_steps)
