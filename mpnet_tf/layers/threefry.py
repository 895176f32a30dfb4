"""Random bits as a function of a key and a counter, in whole-number arithmetic."""

from keras import ops

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA
_ROUNDS_PER_KEY = 4
# The fewest that pass all of TestU01's BigCrush (table 2 of the paper).
ENOUGH_ROUNDS = 13


def threefry(key, counters, num_rounds=ENOUGH_ROUNDS):
    """Computes the random words of each counter: Threefry with two words of 32 bits.

    Args:
        key: uint32 tensor `(2,)`.
        counters: pair of uint32 tensors of one shape.
        num_rounds: int. Rounds of mixing.

    Returns:
        Pair of uint32 tensors of the counters' shape, uniform over all of uint32.

    References:
        [Parallel Random Numbers: As Easy as 1, 2, 3](https://doi.org/10.1145/2063384.2063405),
        section 3.
    """
    keys = [key[0], key[1]]
    keys.append(ops.bitwise_xor(ops.bitwise_xor(*keys), _word(_PARITY)))
    first, second = counters
    first, second = ops.add(first, keys[0]), ops.add(second, keys[1])
    for number in range(num_rounds):
        first = ops.add(first, second)
        second = _rotated(second, _ROTATIONS[number % len(_ROTATIONS)])
        second = ops.bitwise_xor(second, first)
        injection, rest = divmod(number + 1, _ROUNDS_PER_KEY)
        if not rest:
            first = ops.add(first, keys[injection % 3])
            second = ops.add(second, ops.add(keys[(injection + 1) % 3], _word(injection)))
    return first, second


def _rotated(words, distance):
    return ops.bitwise_or(
        ops.left_shift(words, _word(distance)), ops.right_shift(words, _word(32 - distance))
    )


def _word(value):
    return ops.convert_to_tensor(value, "uint32")
