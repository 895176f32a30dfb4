"""`from_preset` for directories of other libraries."""

from mpnet_tf.conversion.sources import is_foreign, read_foreign
from mpnet_tf.models.preset_files import local_directory


class ForeignPresets:
    """Lets a class's `from_preset` also read checkpoints of `transformers` and the like.

    Put it before keras_hub's base classes.
    """

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Makes a model from a preset, or from another library's checkpoint.

        Args:
            preset: str. What keras_hub's `from_preset` takes; a directory of `transformers` or
                sentence-transformers, here or as `hf://user/model`; or a pretraining checkpoint
                (`.pt`) of MPNet's authors or of annotated-mpnet.
            load_weights: bool. Whether to load the weights; the model starts anew otherwise.
            **kwargs: arguments of the class, or of its backbone, in place of the saved ones.

        Returns:
            The model. A head that the checkpoint lacks starts with random weights, and a warning
            says so. A task of raw text has a preprocessor if the checkpoint has a tokenizer.

        Raises:
            ValueError: if the files are damaged, or hold a model of another body.
        """
        directory = local_directory(preset)
        if directory is None or not is_foreign(directory):
            return super().from_preset(preset, load_weights=load_weights, **kwargs)
        # These modules import the classes that derive from this one.
        from mpnet_tf.models.converted_model import model_from
        from mpnet_tf.models.task_models import task_of_class

        model = model_from(
            read_foreign(directory),
            task=task_of_class(cls),
            load_weights=load_weights,
            **kwargs,
        )
        if not isinstance(model, cls):
            raise ValueError(
                f"{preset} holds a model for `{type(model).__name__}`. Call `from_preset` on that "
                f"class. Received: a call on `{cls.__name__}`"
            )
        return model
