"""Work spread over processes: results in order, little in flight, a dead process told."""

import functools
import os

import pytest

from data_prep.pipeline.ordered_pool import map_in_order


def times(factor):
    return functools.partial(multiply, factor)


def multiply(factor, value):
    return factor * value


def death():
    os._exit(9)


def failure():
    raise ValueError("`x` cannot be made")


@pytest.mark.parametrize("num_workers", [1, 2])
def test_results_are_in_the_order_of_the_items(num_workers):
    found = map_in_order(functools.partial(times, 3), range(40), num_workers=num_workers)
    assert list(found) == [3 * value for value in range(40)]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_items_are_taken_only_a_little_ahead(num_workers):
    taken = []

    def items():
        for value in range(1000):
            taken.append(value)
            yield value

    found = map_in_order(functools.partial(times, 1), items(), num_workers=num_workers)
    assert [next(found) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + 3 * num_workers + 1
    found.close()


def test_dead_worker_is_an_error():
    with pytest.raises(OSError, match="A worker process died, perhaps for want of memory"):
        list(map_in_order(death, [1], num_workers=2))


@pytest.mark.parametrize("num_workers", [1, 2])
def test_what_goes_wrong_in_a_worker_is_told_as_it_is(num_workers):
    with pytest.raises(ValueError, match="`x` cannot be made"):
        list(map_in_order(failure, [1], num_workers=num_workers))
