"""Tasks whose classes may have names."""

from collections.abc import Sequence

import numpy as np


def checked_class_names(class_names, num_classes):
    """Returns the names of classes as a tuple of str, or None where there are none.

    Args:
        class_names: sequence of str, or None.
        num_classes: int. How many there must be.

    Raises:
        ValueError: if they are not as many, or two are the same.
    """
    if class_names is None:
        return None
    if isinstance(class_names, str) or not isinstance(class_names, Sequence):
        raise ValueError(
            f"`class_names` must be a sequence of names. Received: class_names={class_names!r}"
        )
    names = tuple(map(str, class_names))
    if len(names) != num_classes or len(set(names)) != num_classes:
        raise ValueError(
            f"`class_names` must be {num_classes} different names, one for each class; None for "
            f"none. Received: class_names={names}"
        )
    return names


def check_class_ids(labels, num_classes, class_names):
    """Checks that labels that are no vectors are ids of classes.

    Args:
        labels: array `(num_texts,)` of class ids, or anything else for another loss.
        num_classes: int.
        class_names: sequence of str, or None. For the message.

    Raises:
        ValueError: if one is no id of a class.
    """
    labels = np.asarray(labels)
    is_text = labels.dtype.kind in "OSU"
    if labels.ndim != 1 or not (is_text or labels.dtype.kind in "iu"):
        return
    unknown = labels if is_text else labels[(labels < 0) | (labels >= num_classes)]
    if len(unknown):
        first = unknown.tolist()[0]
        raise ValueError(
            f"`y` must be ids of the classes, from 0 to {num_classes - 1}. Received: "
            f"{len(unknown)} others, the first of them {first!r}. The id of a class is "
            f"its place in `class_names`, {class_names}"
        )


class NamedClasses:
    """A task that classifies, so that a preset's names go where its number of classes is changed.

    Put it before keras_hub's class among the bases.
    """

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """Makes a model from a preset.

        Args:
            preset: str. What keras_hub's `from_preset` takes.
            **kwargs: arguments of the class in place of the saved ones. With another `num_classes`
                or other `class_names`, the head's last layer must be given anew: pass
                `load_weights=False`, or a preset of the body alone.

        Returns:
            The model.
        """
        if "num_classes" in kwargs:
            kwargs.setdefault("class_names", None)
        elif kwargs.get("class_names") is not None:
            kwargs["num_classes"] = len(kwargs["class_names"])
        return super().from_preset(preset, **kwargs)
