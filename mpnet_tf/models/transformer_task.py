"""What all tasks on a transformer body share: how they are made, described and saved."""

import keras

from mpnet_tf.models.foreign_presets import ForeignPresets
from mpnet_tf.models.transformer_backbone import TransformerBackbone, weight_initializer


class TransformerTask(ForeignPresets):
    """A backbone with a head: what comes before keras_hub's class among the bases of a task.

    It has no base itself: where two bases lead to `keras.Model`, Keras fails to make the first
    functional model of the class.

    Constructing a task compiles nothing, unlike with keras_hub, whose default optimizer and
    learning rate could be taken for the model's own. Call `compile` before `fit`.

    Args:
        inputs, outputs: dicts of tensors or tensors. Those of the functional model.
        name: str, or None for one made up.
        trainable: bool. Whether training changes the weights. Default True.
        compile: bool. Whether to compile with keras_hub's defaults. Default False.
    """

    backbone_cls = TransformerBackbone

    # All arguments by name: Keras ignores what it does not know.
    def __init__(self, inputs, outputs, name=None, trainable=True, compile=False):
        super().__init__(
            inputs=inputs, outputs=outputs, name=name, trainable=trainable, compile=compile
        )

    @property
    def head_settings(self):
        """dict. The arguments of the head: all but `backbone`, `preprocessor` and `name`."""
        return {}

    def get_config(self):
        return {**super().get_config(), **self.head_settings}

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Saves the task to a preset directory.

        Args:
            preset_dir: str. The directory.
            max_shard_size: int or float. Largest weights file in GB; None for no limit.
        """
        try:
            super().save_to_preset(preset_dir, max_shard_size=max_shard_size)
        except AttributeError as error:
            # keras_hub 0.25, the newest for Python 3.10, fails for want of a preprocessor when
            # all else is saved.
            if self.preprocessor is not None or error.obj is not None:
                raise


def make_head_dense(backbone, units, *, name, **settings):
    """Makes a dense layer of a head that starts like its body and computes in float32.

    In less, a loss of its outputs would lose the small probabilities.

    Args:
        backbone: `TransformerBackbone`.
        units: int. Outputs.
        name: str. Name of the layer, with which the paths of its weights begin.
        **settings: other arguments of `keras.layers.Dense`.
    """
    return keras.layers.Dense(
        units,
        kernel_initializer=weight_initializer(backbone.initializer_stddev),
        name=name,
        **{"dtype": "float32", **settings},
    )


def make_head_dropout(backbone, dropout):
    """Makes the dropout of a head, in the precision of its body."""
    return keras.layers.Dropout(dropout, dtype=backbone.dtype_policy, name="head_dropout")
