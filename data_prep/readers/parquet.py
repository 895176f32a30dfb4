"""Columns of text in Parquet files, one document a row."""

from data_prep.readers.damage import BrokenFileError
from data_prep.readers.libraries import import_for

_ROWS_PER_BATCH = 256
# Pages are read as they are needed, not a whole row group at once.
_BUFFER_BYTES = 1 << 20


def read_parquet(file, damage, field):
    """Yields one column of a Parquet file; no other is read.

    Args:
        file: binary file object, seekable.
        damage: `FileDamage`.
        field: str. Name of a column of strings, or of bytes that are UTF-8; `a.b` is the field `b`
            of the struct `a`, where there is no column of that name.

    Yields:
        str.

    Raises:
        BrokenFileError: if the file is damaged.
        ValueError: if there is no such column or it holds something else.
    """
    pyarrow = import_for(damage.path, "pyarrow")
    number = 0
    for values in _read_column(file, damage.path, field):
        try:
            texts = values.to_pylist()
        except UnicodeDecodeError:
            texts = values.cast(pyarrow.large_binary()).to_pylist()
        for text in texts:
            number += 1
            if isinstance(text, bytes):
                try:
                    text = text.decode("utf-8")
                except UnicodeDecodeError:
                    damage.drop_invalid_utf8(f"row {number}")
                    continue
            if text is None:
                damage.drop_malformed(f"row {number}", f"the column {field!r} has no value")
            else:
                yield text


def _read_column(file, path, field):
    """Yields the column's values as arrays of strings or bytes."""
    pyarrow = import_for(path, "pyarrow")
    parquet = import_for(path, "pyarrow.parquet")
    compute = import_for(path, "pyarrow.compute")
    try:
        table = parquet.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        names = _find_column(table.schema_arrow, pyarrow, path, field)
        for batch in table.iter_batches(
            _ROWS_PER_BATCH, columns=[".".join(names)], use_threads=False
        ):
            values = batch.column(names[0])
            values = compute.struct_field(values, names[1:]) if len(names) > 1 else values
            if pyarrow.types.is_dictionary(values.type):
                values = values.dictionary_decode()
            yield values
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # The disk's or the network's fault.
        raise BrokenFileError(
            f"is a broken Parquet file ({' '.join(str(error).split())})"
        ) from None


def _find_column(schema, pyarrow, path, field):
    """Returns the names that lead to the column, the outermost first."""
    names = [field] if field in schema.names else field.split(".")
    kind = pyarrow.struct(list(schema))
    for name in names:
        place = kind.get_field_index(name) if pyarrow.types.is_struct(kind) else -1
        if place < 0:
            raise ValueError(
                f"{path} has no column {field!r}; it has {', '.join(schema.names)}. "
                "Name the column with the text by --json_field."
            )
        kind = kind.field(place).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    is_known = (
        pyarrow.types.is_string(kind)
        or pyarrow.types.is_large_string(kind)
        or pyarrow.types.is_string_view(kind)
        or pyarrow.types.is_binary(kind)
        or pyarrow.types.is_large_binary(kind)
    )
    if not is_known:
        raise ValueError(f"{path}: the column {field!r} must hold strings. Received: {kind}")
    return names
