"""The libraries of the extra `corpus`, imported when the first file needs them."""

import importlib


def import_for(path, module):
    """Imports a module of an optional library.

    Args:
        path: str. The file that needs it, for the error.
        module: str. Its full name, such as "pyarrow.parquet".

    Raises:
        ValueError: if the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ValueError(
            f"{path}: to read it, {module.partition('.')[0]} must be installed: "
            "`pip install 'mpnet_tf[corpus]'`."
        ) from None
