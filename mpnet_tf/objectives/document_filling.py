"""Filling each document's number of predicted tokens with units in random order."""

import tensorflow as tf

from mpnet_tf.objectives.look_up import look_up


def fill_documents(keys, lengths, documents, *, budgets):
    """Takes the units of each document in the order of their keys, each if it still fits.

    Args:
        keys: int64 tensor `(num_units,)`. Ascending with the documents, random within each.
        lengths: int32 tensor `(num_units,)`. Tokens of each unit.
        documents: int32 tensor `(num_units,)`. The document of each unit.
        budgets: int32 tensor `(num_documents,)`. Tokens to take of each document.

    Returns:
        Two int32 tensors `(num_units,)`: the tokens taken of each unit, all or none; and the
        units in the order of their keys. And an int32 tensor `(num_documents,)`, what is left of
        the budgets.
    """
    num_units, num_documents = tf.size(keys), tf.size(budgets)
    # The largest of the negated keys first: for integers that is what `tf.argsort` does.
    order = tf.math.top_k(-keys, k=num_units).indices

    def one_pass(taken, remaining, units, lengths, documents):
        """Takes each document's waiting units up to the first that does not fit."""

        def by_document(values):
            return tf.math.unsorted_segment_sum(values, documents, num_documents)

        ends = tf.cumsum(by_document(lengths), exclusive=True) + remaining
        fits = tf.cumsum(lengths) <= look_up(ends, documents)
        now_taken = tf.where(fits, lengths, 0)
        taken += tf.math.unsorted_segment_sum(now_taken, units, num_units)
        remaining -= by_document(now_taken)
        # A unit that does not fit now will fit never: what remains only shrinks.
        waiting = tf.where(~fits & (lengths <= look_up(remaining, documents)))
        units, lengths, documents = (
            tf.gather_nd(values, waiting) for values in (units, lengths, documents)
        )
        return taken, remaining, units, lengths, documents

    first = [
        tf.zeros_like(lengths),
        budgets,
        order,
        look_up(lengths, order),
        look_up(documents, order),
    ]
    taken, remaining, *_ = tf.while_loop(
        lambda taken, remaining, units, lengths, documents: tf.size(units) > 0,
        one_pass,
        list(one_pass(*first)),
        shape_invariants=[tf.TensorShape([None])] * 5,
    )
    return taken, order, remaining


def cut_first_units(taken, order, documents, *, budgets, remaining):
    """Takes the budget's tokens of the first unit of documents in which no unit fits.

    Args:
        taken, order, remaining: as `fill_documents` returns them.
        documents, budgets: as it takes them.

    Returns:
        int32 tensor `(num_units,)`: the tokens taken of each unit.
    """
    cut = tf.where(remaining < budgets, 0, budgets)
    firsts = tf.searchsorted(look_up(documents, order), tf.range(tf.size(budgets)))
    cut_documents = tf.where(cut > 0)
    firsts = look_up(order, tf.gather_nd(firsts, cut_documents))
    return tf.tensor_scatter_nd_add(taken, firsts[:, tf.newaxis], tf.gather_nd(cut, cut_documents))
