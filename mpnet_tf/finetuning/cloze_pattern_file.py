"""Files with the pattern and the verbalizers of a cloze classification, and those of GLUE's tasks.

A file is a JSON object with the fields of `ClozePattern`:

```json
{
  "pattern": "{text} It was [MASK].",
  "verbalizers": {"0": "terrible", "1": "great"}
}
```
"""

import dataclasses
import importlib.resources

from mpnet_tf.conversion.json_files import read_json
from mpnet_tf.models.cloze_pattern import ClozePattern

_FIELDS = tuple(field.name for field in dataclasses.fields(ClozePattern))
# GLUE's tasks that another task's model answers.
_SAME_PATTERN = {"mnli_mismatched": "mnli", "ax": "mnli"}


def read_cloze_pattern(path):
    """Reads a pattern file.

    Args:
        path: str.

    Returns:
        `ClozePattern`.

    Raises:
        ValueError: if the file cannot be read, or its fields are not those of a pattern; the
            message begins with its name.
    """
    fields = read_json(path)
    if set(fields) != set(_FIELDS):
        raise ValueError(
            f"{path}: the fields must be {' and '.join(_FIELDS)}. "
            f"Received: {', '.join(fields) or 'none'}"
        )
    try:
        return ClozePattern(**fields)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def cloze_pattern_of_glue(name):
    """Returns the pattern for a task of GLUE.

    Those of RTE are GLM's, without its cutting off of the last punctuation mark; WNLI has the same.
    SST-2's is the example of GLM's paper, MNLI's is of PET, and the others are of LM-BFF.

    Args:
        name: str. As `GLUE_TASKS` has it.

    Returns:
        `ClozePattern` with the task's classes in the order of their ids.

    Raises:
        ValueError: if there is none, as for a regression.

    References:
        [GLM](https://arxiv.org/abs/2103.10360), section 2.3 and appendix B;
        [PET](https://arxiv.org/abs/2001.07676), section 4.1;
        [LM-BFF](https://arxiv.org/abs/2012.15723), table 1.
    """
    files = {
        file.name.removesuffix(".json"): file
        for file in importlib.resources.files("mpnet_tf.finetuning")
        .joinpath("cloze_patterns")
        .iterdir()
    }
    name = _SAME_PATTERN.get(name, name)
    if name not in files:
        raise ValueError(
            f"`name` must be a task with a pattern of its own: {', '.join(sorted(files))}. "
            f"Received: name={name!r}. Give a pattern file."
        )
    return read_cloze_pattern(files[name])
