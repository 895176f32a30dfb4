"""Documents that repeat an earlier one, but for whitespace."""

import numpy as np


def repeated(digests, orders):
    """Finds the documents that repeat one of a lower order.

    Args:
        digests: uint64 array `(num_documents,)`. `hashes.text_hashes` of the documents. Of a
            billion documents some 0.03 pairs that differ are expected to share one.
        orders: uint64 array `(num_documents,)`, in any order themselves.

    Returns:
        uint64 array: the orders of all but the first of each group of equal documents, rising.
    """
    by_digest = np.lexsort((orders, digests))
    digests, orders = digests[by_digest], orders[by_digest]
    return np.sort(orders[1:][digests[1:] == digests[:-1]])
