"""What a directory of token shards holds, as tables for the terminal."""

from mpnet_tf.data.length_counts import doubling_edges
from mpnet_tf.visualization.terminal_table import bar, printable, size_text, terminal_table

_MOST_SOURCES_LISTED = 20
# Beside the lengths and the counts of two splits, in 80 characters.
_BARS_WIDTH = 36
_QUANTILES = {
    "shortest": 0,
    "median": 0.5,
    "90th percentile": 0.9,
    "99th percentile": 0.99,
    "longest": 1,
}
_MIXTURE = {
    "weight": "weight",
    "read": "documents_read",
    "kept": "documents_kept",
    "held-out tokens": "tokens_heldout",
    "train tokens": "tokens_train",
}


def origin_tables(manifest):
    """Makes the tables of what shards were made of and what was left out.

    Args:
        manifest: `Manifest`.

    Returns:
        List of `rich.table.Table`.
    """
    tables = [_source_table(manifest.sources)]
    if manifest.mixture:
        tables.append(_mixture_table(manifest.mixture))
    if manifest.reading:
        tables.append(_reading_table(manifest.reading))
    if manifest.steps:
        tables.append(_step_table(manifest.steps))
    if any(step.get("examples") for step in manifest.steps):
        tables.append(_example_table(manifest.steps))
    return tables


def split_tables(splits, rows, tokenizer, *, row_length):
    """Makes the tables of what the splits hold, with columns for each split.

    Args:
        splits: dict from split's name to `SplitStatistics`.
        rows: dict from split's name to a pair of `RowUse`, a document a row and packed; splits
            without a document have none.
        tokenizer: the tokenizer that made the shards.
        row_length: int.

    Returns:
        List of `rich.table.Table`.
    """
    tables = [_table_by_split("splits", splits, _size_figures)]
    filled = {name: split for name, split in splits.items() if split.lengths.num_documents}
    if not filled:
        return tables
    return [
        *tables,
        _table_by_split("tokens in a document", filled, _length_figures),
        _histogram_table(filled),
        _table_by_split("vocabulary", filled, lambda split: _use_figures(split.vocabulary)),
        _token_table(filled, tokenizer),
        _table_by_split(f"rows of {row_length} tokens", rows, _row_figures),
    ]


def sample_lines(samples):
    """Writes the beginnings of documents that were drawn.

    Args:
        samples: list of `SampleDocument`.

    Returns:
        List of str, two a document.
    """
    lines = []
    for sample in samples:
        lines.append(
            f"{sample.split}, document {sample.document:,} of {sample.num_tokens:,} tokens:"
        )
        lines.append(f"  {printable(sample.text)}")
    return lines


def _source_table(sources):
    listed = sources[:_MOST_SOURCES_LISTED]
    rows = [(size_text(source.size_bytes), printable(source.name)) for source in listed]
    if len(sources) > len(listed):
        left = sources[_MOST_SOURCES_LISTED:]
        rows.append((size_text(sum(s.size_bytes for s in left)), f"{len(left):,} more files"))
    total = size_text(sum(source.size_bytes for source in sources))
    title = f"sources: {len(sources):,} files, {total}"
    return terminal_table(title, [("size", "right"), ("file", "left")], rows)


def _mixture_table(mixture):
    total = sum(counts.get("tokens_train", 0) for counts in mixture.values())
    rows = []
    for name, counts in mixture.items():
        share = counts.get("tokens_train", 0) / total if total else 0
        cells = [_number(counts.get(key)) for key in _MIXTURE.values()]
        rows.append((printable(name), *cells, f"{share:.1%}"))
    headings = [("source", "left"), *((heading, "right") for heading in _MIXTURE)]
    return terminal_table("mixture", [*headings, ("of train", "right")], rows)


def _reading_table(reading):
    rows = [(_words(name), _number(count)) for name, count in reading.items() if count]
    return terminal_table("reading", [("", "left"), ("count", "right")], rows)


def _step_table(steps):
    rows = []
    for step in steps:
        found = [
            (f"dropped: {_words(reason)}", _number(count))
            for reason, count in step.get("documents_dropped", {}).items()
        ]
        found += [(_words(name), _number(count)) for name, count in step.get("counts", {}).items()]
        head = (_words(step["step"]), _number(step.get("documents_in")))
        for place, cells in enumerate(found or [("nothing dropped", "")]):
            rows.append((*(head if place == 0 else ("", "")), *cells))
    columns = [("step", "left"), ("documents", "right"), ("", "left"), ("count", "right")]
    return terminal_table("steps", columns, rows)


def _example_table(steps):
    rows = [
        (_words(reason), printable(f"{found['file']}:{found['document']}: {found['text']}"))
        for step in steps
        for reason, examples in step.get("examples", {}).items()
        for found in examples[:1]
    ]
    return terminal_table("what was dropped, such as", [("", "left"), ("", "left")], rows)


def _table_by_split(title, values, figures):
    """Makes a table with a column for each split and a row for each of its figures."""
    columns = {name: figures(value) for name, value in values.items()}
    headings = next(iter(columns.values()))
    return terminal_table(
        title,
        [("", "left"), *((name, "right") for name in columns)],
        [(heading, *(column[heading] for column in columns.values())) for heading in headings],
    )


def _size_figures(split):
    record = split.record
    shard_tokens = [shard.num_tokens for shard in record.shards]
    return {
        "documents": _number(record.num_documents),
        "tokens": _number(record.num_tokens),
        "text": size_text(record.text_bytes),
        "bytes a token": _ratio(record.text_bytes, record.num_tokens),
        "shards": _number(len(record.shards)),
        "tokens of the smallest": _number(min(shard_tokens, default=None)),
        "tokens of the largest": _number(max(shard_tokens, default=None)),
    }


def _length_figures(split):
    lengths = split.lengths
    return {
        **{name: _number(lengths.quantile(share)) for name, share in _QUANTILES.items()},
        "mean": _ratio(lengths.num_tokens, lengths.num_documents),
    }


def _histogram_table(splits):
    edges = doubling_edges(
        min(split.lengths.quantile(0) for split in splits.values()),
        max(split.lengths.quantile(1) for split in splits.values()),
    )
    columns = [("tokens", "right")]
    cells = []
    for name, split in splits.items():
        counts = split.lengths.histogram(edges)
        columns += [(name, "right"), ("", "left")]
        width = _BARS_WIDTH // len(splits)
        cells.append([_number(count) for count in counts.tolist()])
        cells.append([bar(count / counts.max(), width) for count in counts.tolist()])
    ranges = [
        f"{first:,}" if first + 1 == end else f"{first:,}-{end - 1:,}"
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return terminal_table("documents by their tokens", columns, zip(ranges, *cells, strict=True))


def _use_figures(use):
    return {
        "tokens in it": _number(use.vocabulary_size),
        "that occur": f"{use.num_occurring:,} ({use.num_occurring / use.vocabulary_size:.1%})",
        "that occur once": _number(use.num_once),
        "that make up 99% of the text": _number(use.num_for_99_percent),
        "share of unknown tokens": f"{use.unknown_share:.3%}",
    }


def _token_table(splits, tokenizer):
    columns, cells = [], []
    num_rows = max(len(split.vocabulary.most_frequent) for split in splits.values())
    for name, split in splits.items():
        columns += [(name, "left"), ("share", "right")]
        frequent = split.vocabulary.most_frequent
        missing = [""] * (num_rows - len(frequent))
        cells.append([_token_text(tokenizer, token_id) for token_id, _ in frequent] + missing)
        cells.append([f"{n / split.record.num_tokens:.2%}" for _, n in frequent] + missing)
    return terminal_table("most frequent tokens", columns, zip(*cells, strict=True))


def _token_text(tokenizer, token_id):
    token = tokenizer.id_to_token(token_id)
    return printable(token) or repr(token)


def _row_figures(rows):
    figures = {}
    for name, use in zip(("a document a row", "packed, as for pretraining"), rows, strict=True):
        figures[f"{name}: rows"] = _number(use.num_rows)
        figures[f"{name}: padding"] = f"{use.padding_share:.1%}"
        figures[f"{name}: text cut off"] = f"{use.cut_share:.1%}"
    return figures


def _number(value):
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _ratio(numerator, denominator):
    return f"{numerator / denominator:.2f}" if denominator else "-"


def _words(name):
    return name.replace("_", " ")
