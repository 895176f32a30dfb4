"""Reading the recipe that `--config` names."""

from absl import flags
from ml_collections import config_flags

from mpnet_tf.cli import application


def read(holder):
    """Returns the recipe, with what the command line changed in it, as nested dicts.

    Args:
        holder: flag holder of the flag `config`.

    Raises:
        UsageError: if the file cannot be read.
    """
    try:
        return holder.value.to_dict()
    except OSError as error:
        # A file that is not there is told here, at the first use, not where the flag is parsed.
        path = config_flags.get_config_filename(flags.FLAGS["config"])
        raise application.UsageError(
            f"--config: no recipe can be read from {path}: {error}"
        ) from error
