"""Tasks whose classes may have names."""

from collections.abc import Sequence


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
