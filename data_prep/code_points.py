"""Unicode code points: all of them, runs of them, and Hugging Face's normalisation of each."""

import functools
from collections.abc import Iterable, Iterator

import tokenizers

_CHUNK_SIZE = 4096
_SEPARATOR = "|"


def all_code_points() -> list[int]:
    """Returns all Unicode scalar values in ascending order."""
    return [*range(0xD800), *range(0xE000, 0x110000)]


def ranges(codes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yields `(first, last)` of each run of consecutive code points, in ascending order."""
    run: list[int] = []
    for code in sorted(codes):
        if run and code != run[-1] + 1:
            yield run[0], run[-1]
            run = []
        run.append(code)
    if run:
        yield run[0], run[-1]


def normalized_code_points(
    lowercase: bool, *, strip_accents: bool | None = None, split_chinese: bool = True
) -> dict[int, str]:
    """Returns what Hugging Face's `BertNormalizer` makes of each code point between two letters."""
    return _normalized(
        lowercase, lowercase if strip_accents is None else strip_accents, split_chinese
    )


@functools.cache
def _normalized(lowercase: bool, strip_accents: bool, split_chinese: bool) -> dict[int, str]:
    normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents, handle_chinese_chars=split_chinese
    )
    # One call for thousands of code points is three times faster than a call for each. The
    # separator, which nothing else turns into, is left out and added by hand.
    codes = [code for code in all_code_points() if chr(code) != _SEPARATOR]
    normalized = {ord(_SEPARATOR): normalizer.normalize_str(_SEPARATOR)}
    for start in range(0, len(codes), _CHUNK_SIZE):
        chunk = codes[start : start + _CHUNK_SIZE]
        text = _SEPARATOR.join(f"a{chr(code)}b" for code in chunk)
        results = normalizer.normalize_str(text).split(_SEPARATOR)
        normalized.update((code, result[1:-1]) for code, result in zip(chunk, results, strict=True))
    return normalized
