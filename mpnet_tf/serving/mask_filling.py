"""Texts with blanks to guesses for them."""

import tensorflow as tf

from mpnet_tf.models.fill_mask import FillMask
from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.served_text import for_each_row, valid_text
from mpnet_tf.serving.signature import Signature, option, text_input, token_inputs


def mask_filling_signatures(masked_lm, preprocessor, *, top_k=5):
    """Makes the signatures `fill_mask`, `fill_mask_with_options` and `fill_mask_token_ids`.

    Args:
        masked_lm: `TransformerMaskedLM`.
        preprocessor: `TransformerTextPreprocessor` that pads to the longest text.
        top_k: int. Guesses for each blank.

    Returns:
        List of `Signature`.

    Raises:
        ValueError: if `top_k` is out of its range.
    """
    tokenizer = preprocessor.tokenizer
    network = compact_network(masked_lm)
    filler = FillMask(
        masked_lm,
        tokenizer,
        top_k=top_k,
        sequence_length=preprocessor.sequence_length,
        network=network,
    )

    def fill_mask(text, top_k=None):
        if top_k is not None:
            top_k = for_each_row(top_k, text)
        return filler.answer(filler.preprocessor(valid_text(text)), top_k)

    def fill_mask_token_ids(**inputs):
        return filler.answer(inputs)

    mask = tokenizer.id_to_token(tokenizer.mask_token_id)
    texts = [f"The capital of France is {mask}.", f"She {mask} a {mask}."]
    described = {"text": text_input(f"texts with any number of {mask}", texts)}
    shape = "(batch_size, max_blanks, top_k)"
    outputs = {
        "tokens": f"string {shape}: the likeliest tokens, ## for one that goes on with a word; '' "
        "beyond a text's own",
        "scores": f"float32 {shape}: their probabilities",
        "num_blanks": "int32 (batch_size,): blanks of each text",
    }
    return [
        Signature(
            "fill_mask",
            f"Guesses the tokens behind {mask} in texts; what is too long is cut at its end.",
            fill_mask,
            described,
            outputs,
        ),
        Signature(
            "fill_mask_with_options",
            "Does the same, with the number of guesses for each text.",
            fill_mask,
            {**described, "top_k": option(tf.int32, "guesses for each blank", default=top_k)},
            outputs,
        ),
        Signature(
            "fill_mask_token_ids",
            "Guesses the tokens behind the mask token in rows of token ids.",
            fill_mask_token_ids,
            token_inputs(preprocessor(texts)),
            outputs,
        ),
    ]
