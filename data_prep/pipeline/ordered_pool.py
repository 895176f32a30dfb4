"""A function applied to many items in several processes, with the results in order."""

import collections
import concurrent.futures
import functools
import multiprocessing
import os
import pickle
import threading

_ITEMS_IN_FLIGHT_PER_WORKER = 3
# What a worker process was started with.
_PICKLED = []


def map_in_order(make_function, items, *, num_workers):
    """Yields what a function gives for each item, in the order of the items.

    Args:
        make_function: callable without arguments, which can be pickled where there are workers.
            Makes the function, once in each process, so that it can hold what cannot be sent.
        items: iterable, consumed only a little ahead of what is yielded, so that memory does not
            grow with it.
        num_workers: int, at least 1. Processes; with 1 all is done in this one.

    Raises:
        OSError: if a worker process dies.
    """
    if num_workers == 1:
        function = make_function()
        yield from map(function, items)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        num_workers,
        # A forked process cannot use the TensorFlow that its parent has started.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_keep,
        # As bytes, so that modules, and TensorFlow, are imported when the first item is there, and
        # what goes wrong then is an error of that item.
        initargs=(pickle.dumps(make_function),),
    )
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(_apply, item))
            if len(pending) > num_workers * _ITEMS_IN_FLIGHT_PER_WORKER:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except concurrent.futures.process.BrokenProcessPool:
        raise OSError(
            "A worker process died, perhaps for want of memory; start again with fewer workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _keep(pickled):
    _PICKLED.append(pickled)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """Ends a worker whose parent was killed: it would wait for items for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _apply(item):
    return _made_function()(item)


@functools.cache
def _made_function():
    return pickle.loads(_PICKLED[-1])()
