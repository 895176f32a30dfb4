"""The collators of transformers for whole words and for permutations, and what they are given."""

import contextlib
import importlib

import numpy as np

from mpnet_tf.data import vocabulary as vocabulary_lib

# The collators and what makes them do what an objective of ours does. With whole words theirs puts
# the mask for all of the predicted tokens, and warns unless told so.
_COLLATORS = {
    "mlm": (
        "DataCollatorForLanguageModeling",
        {"whole_word_mask": True, "mask_replace_prob": 1.0, "random_replace_prob": 0.0},
    ),
    "plm": ("DataCollatorForPermutationLanguageModeling", {}),
}
_WORD_GAP = 1


def make_collators(tokenizer, roles):
    """Makes the collators of transformers 5 or later.

    Args:
        tokenizer: `MPNetTokenizer` of ours.
        roles: `TokenRoles` of it.

    Returns:
        dict by objective of dicts by name; empty where transformers is not installed.
    """
    try:
        transformers = importlib.import_module("transformers")
        tokenizers = importlib.import_module("tokenizers")
    except ImportError:
        return {}
    kinds = ["np"]
    with contextlib.suppress(ImportError):
        importlib.import_module("torch").set_num_threads(1)
        kinds.append("pt")
    vocabulary = tokenizer.get_vocabulary()
    unknown_token = vocabulary_lib.unknown_token(vocabulary)
    model = tokenizers.models.WordPiece(
        {token: index for index, token in enumerate(vocabulary)}, unk_token=unknown_token
    )
    fast_tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(model),
        cls_token=vocabulary[tokenizer.start_token_id],
        sep_token=vocabulary[tokenizer.end_token_id],
        pad_token=vocabulary[tokenizer.pad_token_id],
        mask_token=vocabulary[tokenizer.mask_token_id],
        unk_token=unknown_token,
    )
    lengths = np.array([len(token.removeprefix("##")) for token in vocabulary])
    return {
        objective: {
            f"transformers {transformers.__version__}, {kind}": _Collator(
                getattr(transformers, name)(fast_tokenizer, return_tensors=kind, **arguments),
                roles,
                lengths,
            )
            for kind in kinds
        }
        for objective, (name, arguments) in _COLLATORS.items()
    }


class _Collator:
    def __init__(self, collator, roles, token_lengths):
        self._collator = collator
        self._roles = roles
        self._token_lengths = token_lengths

    def __call__(self, examples):
        return self._collator(examples)

    def examples(self, token_ids):
        """Puts rows `(batch_size, sequence_length)` into the form of tokenizers' answers."""
        sizes = self._token_lengths[token_ids]
        gaps = np.where(self._roles.is_continuation[token_ids], 0, _WORD_GAP)
        begins = np.cumsum(sizes + gaps, axis=-1) - sizes
        features = {
            "input_ids": token_ids,
            "attention_mask": (token_ids != self._roles.pad_token_id).astype(np.int32),
            "special_tokens_mask": self._roles.is_special[token_ids].astype(np.int32),
            "offset_mapping": np.stack([begins, begins + sizes], axis=-1),
        }
        as_lists = {name: feature.tolist() for name, feature in features.items()}
        return [
            {name: feature[row] for name, feature in as_lists.items()}
            for row in range(len(token_ids))
        ]
