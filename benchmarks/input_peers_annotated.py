"""annotated-mpnet's dataset and collator, imported from a checkout of it."""

import importlib
import importlib.util
import logging
import os
import sys
import time
import types

import numpy as np


class AnnotatedMPNet:
    """The input pipeline of one checkout.

    Args:
        directory: str. The checkout; several may be used side by side.

    Attributes:
        name: str. The directory's name and whether its Cython extension is used.
    """

    def __init__(self, directory):
        self._module = _import_data(directory)
        extension = "fast" if self._module.make_span_perm is not None else "Python only"
        name = os.path.basename(os.path.normpath(directory))
        self.name = f"{name} ({extension})"

    def stub_collator(self, tokenizer):
        """Makes its collator with a tokenizer that only stacks rows.

        Args:
            tokenizer: `MPNetTokenizer` of ours.

        Returns:
            Callable on what its `examples` makes of int arrays `(batch_size, sequence_length)`.
        """
        return _StubCollator(self._collator(_StubTokenizer(tokenizer)))

    def text_worker(self, tokenizer, paths, sequence_length, batch_size):
        """Makes a function that tokenises files and collates an epoch of them.

        Args:
            tokenizer: a fast tokenizer of transformers.
            paths: list of str. Files with an example a line.
            sequence_length: int. Examples are cut to it.
            batch_size: int. Examples in a batch.

        Returns:
            Function that returns how many text tokens the batches held, and the seconds.
        """

        def work():
            begin = time.perf_counter()
            batches = self.batches(tokenizer, paths, sequence_length, batch_size)
            num_tokens = sum(number for number, _ in batches)
            return num_tokens, time.perf_counter() - begin

        return work

    def batches(self, tokenizer, paths, sequence_length, batch_size):
        """Tokenises files and collates an epoch of them, one file after the other.

        Args:
            as `text_worker`.

        Yields:
            How many text tokens a batch holds, and the batch.
        """
        collator = self._collator(tokenizer)
        for path in paths:
            dataset = self._module.MPNetDataset(
                tokenizer, file_path=path, block_size=sequence_length
            )
            order = list(self._module.RandomSamplerWithSeed(dataset, epoch=0, random_seed=0))
            for first in range(0, len(order), batch_size):
                examples = [dataset[number] for number in order[first : first + batch_size]]
                num_tokens = sum(len(example["input_ids"]) - 2 for example in examples)
                yield num_tokens, collator(examples)

    def _collator(self, tokenizer):
        return self._module.DataCollatorForMaskedPermutedLanguageModeling(tokenizer)


class _StubCollator:
    def __init__(self, collator):
        self._collator = collator

    def __call__(self, examples):
        return self._collator(examples)

    def examples(self, token_ids):
        """Puts rows into the form in which its dataset gives them."""
        import torch

        return [{"input_ids": torch.from_numpy(row.astype(np.int64))} for row in token_ids]


class _StubTokenizer:
    """What its collator asks of a tokenizer; `pad` has nothing to pad."""

    def __init__(self, tokenizer):
        self.vocab = {token: index for index, token in enumerate(tokenizer.get_vocabulary())}
        self.pad_token_id = tokenizer.pad_token_id
        self.mask_token_id = tokenizer.mask_token_id
        self.all_special_ids = list(tokenizer.special_token_ids)

    def __len__(self):
        return len(self.vocab)

    def get_vocab(self):
        return self.vocab

    def pad(self, examples, return_tensors):
        import torch

        del return_tensors
        return {"input_ids": torch.stack([example["input_ids"] for example in examples])}


def _import_data(directory):
    """Imports `annotated_mpnet.data.mpnet_data` and forgets it: the next checkout has it too."""
    importlib.import_module("torch").set_num_threads(1)
    logging.disable(logging.WARNING)
    sys.path.insert(0, os.path.abspath(directory))
    stand_in = None
    if importlib.util.find_spec("datasets") is None:
        # The fork imports it for streams, which are not used here.
        stand_in = types.ModuleType("datasets")
        stand_in.load_dataset = None
        sys.modules["datasets"] = stand_in
    try:
        return importlib.import_module("annotated_mpnet.data.mpnet_data")
    finally:
        sys.path.pop(0)
        if stand_in is not None:
            del sys.modules["datasets"]
        for name in [name for name in sys.modules if name.split(".")[0] == "annotated_mpnet"]:
            del sys.modules[name]
