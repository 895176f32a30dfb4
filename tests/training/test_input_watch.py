"""A stuck or slow input pipeline is told with the stage that starves; any other is not."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from mpnet_tf.data.batches import training_batches
from mpnet_tf.training.distributed_fit import DistributedFit
from mpnet_tf.training.input_watch import InputWatch, WatchedRows

BATCH_SIZE = 4
STALL_SECONDS = 0.2
QUIET = {"verbose": 0, "shuffle": False}
# Longer than any test takes, so that nothing is a stall.
NEVER = 600.0


class Rows:
    """What batches ask of `PackedRows`; each reading begins with a call of `before_read`."""

    # So long that each batch is read by itself: of short rows, several are read at once.
    sequence_length = 32768
    num_rows = 1000

    def __init__(self, before_read=lambda first_row: None):
        self._before_read = before_read

    def read(self, first_row, num_rows, *, repeat=True):
        self._before_read(int(first_row))
        return (np.zeros((num_rows, self.sequence_length), np.int32),) * 3


class Steps(DistributedFit):
    """A model whose step does nothing for a while."""

    def __init__(self, seconds=0.0):
        super().__init__()
        self.built = True
        self._seconds = seconds

    def replica_step(self, batch, stop):
        tf.numpy_function(lambda: time.sleep(self._seconds), [], [], stateful=True)

    def step_logs(self):
        return {"loss": tf.constant(0.0)}


def fit(rows, model, *, stall_seconds=NEVER, num_steps=10, epochs=1, objective=None):
    """Trains on batches of rows; returns the history."""
    objective = objective or (lambda features, seed: features)
    model.compile(optimizer="sgd", jit_compile=False)
    # Tracing takes time that is neither of the steps nor of the input.
    model.fit(training_batches(Rows(), objective, 0, batch_size=BATCH_SIZE, num_batches=1), **QUIET)
    rows = WatchedRows(rows)
    return model.fit(
        training_batches(rows, objective, 0, batch_size=BATCH_SIZE, num_batches=num_steps * epochs),
        steps_per_epoch=num_steps,
        epochs=epochs,
        callbacks=[InputWatch(rows, batch_size=BATCH_SIZE, stall_seconds=stall_seconds)],
        **QUIET,
    ).history


def until(condition):
    """Waits for something that other threads bring about, but not for ever."""
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def test_a_stuck_reader_is_named_with_its_rows(caplog):
    def stick(first_row):
        if first_row == 2 * BATCH_SIZE:
            until(lambda: caplog.messages)

    fit(Rows(stick), Steps(), stall_seconds=STALL_SECONDS, num_steps=5)
    # Once a step, however long it takes.
    (message,) = [line for line in caplog.messages if line.startswith("a step has not ended for ")]
    assert "stuck reading rows 8 to 11 from the shards" in message
    assert "Look at the disk or network filesystem" in message


def test_a_long_step_is_not_blamed_on_the_input(caplog):
    fit(Rows(), Steps(seconds=4 * STALL_SECONDS), stall_seconds=STALL_SECONDS, num_steps=1)
    (message,) = caplog.messages
    assert "no reader is stuck at the shards" in message


def test_slow_reading_is_told_once(caplog):
    slow = Rows(lambda first_row: time.sleep(0.03))
    history = fit(slow, Steps(), epochs=2)
    (message,) = caplog.messages
    assert "the stage that starves them is reading rows from the shards (reading takes" in message
    assert all(0.2 < share <= 1 for share in history["input_wait_share"])


def test_slow_making_of_slots_is_told(caplog):
    def slow_objective(features, seed):
        def pause(token_ids):
            time.sleep(0.01)
            return token_ids

        (token_ids,) = tf.numpy_function(pause, [features["token_ids"]], [tf.int32])
        return {"token_ids": tf.ensure_shape(token_ids, features["token_ids"].shape)}

    fit(Rows(), Steps(), objective=slow_objective)
    (message,) = caplog.messages
    assert "the stage that starves them is making slots" in message


def test_nothing_is_told_of_a_run_that_need_not_wait(caplog):
    history = fit(Rows(), Steps(seconds=0.03), epochs=2, stall_seconds=60)
    assert not caplog.messages
    assert all(0 <= share < 0.2 for share in history["input_wait_share"])


def test_the_watch_ends_with_the_training(caplog):
    watch = InputWatch(WatchedRows(Rows()), batch_size=BATCH_SIZE, stall_seconds=STALL_SECONDS)
    before = set(threading.enumerate())
    watch.on_train_begin()
    (thread,) = set(threading.enumerate()) - before
    # As in a step that fails, after which no callback is called.
    watch.on_train_batch_begin(0)
    watch.on_train_end()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert not caplog.messages


def test_rows_tell_how_many_were_read_and_for_how_long():
    rows = WatchedRows(Rows(lambda first_row: time.sleep(0.05)))
    assert rows.sequence_length == Rows.sequence_length and rows.longest_reading() is None
    rows.read(0, 3)
    rows.read(3, 2, repeat=False)
    assert rows.num_read == 5 and 0.1 <= rows.seconds < 1
    assert rows.longest_reading() is None


def test_the_reader_that_is_at_it_longest_is_told():
    go_on = threading.Event()
    rows = WatchedRows(Rows(lambda first_row: go_on.wait(20)))
    readers = []
    for number in range(2):
        readers.append(threading.Thread(target=rows.read, args=(8 * number, 8)))
        readers[-1].start()
        until(lambda: rows.longest_reading() and len(rows._begun) == len(readers))
    seconds, first_row, num_rows = rows.longest_reading()
    assert (first_row, num_rows) == (0, 8) and seconds > 0
    go_on.set()
    for reader in readers:
        reader.join()
    assert rows.longest_reading() is None


def test_a_reading_that_fails_is_over():
    def fail(first_row):
        raise OSError("gone")

    rows = WatchedRows(Rows(fail))
    with pytest.raises(OSError, match="gone"):
        rows.read(0, 3)
    assert rows.longest_reading() is None
