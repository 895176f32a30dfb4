"""Work on many rows, some at a time."""

import tensorflow as tf


def in_row_groups(function, inputs, rows_at_once):
    """Calls a function on some rows after others, so that memory does not grow with their number.

    Args:
        function: from a dict of tensors to a dict of tensors, the rows first in all. It is called
            for no rows too.
        inputs: dict of tensors with the same number of rows.
        rows_at_once: int.

    Returns:
        The function's results for all rows, in order. Their other dimensions must not depend on
        the rows.
    """
    num_rows = tf.shape(next(iter(inputs.values())))[0]
    num_groups = (num_rows + rows_at_once - 1) // rows_at_once

    def of_group(number):
        rows = slice(number * rows_at_once, (number + 1) * rows_at_once)
        return function({name: values[rows] for name, values in inputs.items()})

    def more(number, results):
        return number + 1, {
            name: tf.concat([results[name], values], axis=0)
            for name, values in of_group(number).items()
        }

    first = of_group(0)
    shapes = {name: tf.TensorShape([None, *values.shape[1:]]) for name, values in first.items()}
    _, results = tf.while_loop(
        lambda number, _: number < num_groups,
        more,
        (tf.constant(1), first),
        shape_invariants=(tf.TensorShape([]), shapes),
        parallel_iterations=1,
    )
    return results
