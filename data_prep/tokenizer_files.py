"""A tokenizer on its way to other processes and machines."""

import dataclasses
import os
import pathlib
import tempfile

from mpnet_tf.quiet_start import silenced_stderr


@dataclasses.dataclass(frozen=True)
class TokenizerFiles:
    """A tokenizer's class and preset, which can be pickled where the tokenizer cannot.

    Args:
        tokenizer_class: class, importable by its name.
        contents: dict from the path of a file in the preset to its bytes.
        vocabulary_size: int.
    """

    tokenizer_class: type
    contents: dict[str, bytes]
    vocabulary_size: int

    @classmethod
    def of(cls, tokenizer):
        """Returns the `TokenizerFiles` of a tokenizer."""
        with tempfile.TemporaryDirectory() as preset:
            tokenizer.save_to_preset(preset)
            contents = {
                path.relative_to(preset).as_posix(): path.read_bytes()
                for path in sorted(pathlib.Path(preset).rglob("*"))
                if path.is_file()
            }
        return cls(type(tokenizer), contents, tokenizer.vocabulary_size())

    def write(self, directory):
        """Writes the preset into a new directory."""
        for name, content in self.contents.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "xb") as file:
                file.write(content)

    def load(self):
        """Makes the tokenizer in this process."""
        with tempfile.TemporaryDirectory() as preset:
            self.write(preset)
            return self.tokenizer_class.from_preset(preset)

    def load_in_worker(self):
        """Makes the tokenizer in a process that is one of several on a machine."""
        with silenced_stderr():
            import tensorflow as tf

            # One thread each, and no accelerator's memory.
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.set_visible_devices([], "GPU")
            return self.load()
