"""Writes the `tokenizer.json` of Hugging Face's `tokenizers`."""

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from mpnet_tf.data import vocabulary as vocabulary_lib


def tokenizer_json(settings, *, mask_takes_space):
    """Writes a `tokenizer.json`.

    Args:
        settings: `TokenizerSettings`.
        mask_takes_space: bool. Whether the mask token takes the space before it along, as MPNet's
            does; ids are the same, and offsets are not.

    Returns:
        str.
    """
    ids = {token: index for index, token in enumerate(settings.vocabulary)}
    roles = settings.special_tokens
    added = {token.content for token in settings.added_tokens} - {*roles.values()}
    # Added tokens at the end need not be words of the model, in which texts could find them.
    model_size = len(settings.vocabulary)
    while settings.vocabulary[model_size - 1] in added:
        model_size -= 1
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece(
            {token: ids[token] for token in settings.vocabulary[:model_size]},
            unk_token=roles["unk_token"],
            max_input_chars_per_word=vocabulary_lib.MAX_WORD_CHARACTERS,
            continuing_subword_prefix=vocabulary_lib.CONTINUATION_PREFIX,
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.split_chinese,
        strip_accents=settings.strip_accents,
        lowercase=settings.lowercase,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = _processor(settings, ids)
    tokenizer.decoder = decoders.WordPiece(prefix=vocabulary_lib.CONTINUATION_PREFIX)
    for token in settings.added_tokens:
        is_mask = token.content == roles["mask_token"]
        written = tokenizers.AddedToken(
            token.content, lstrip=is_mask and mask_takes_space, normalized=token.normalized
        )
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([written])
    return tokenizer.to_str(pretty=True)


def _processor(settings, ids):
    start, end = settings.special_tokens["start_token"], settings.special_tokens["end_token"]
    if settings.pair_separators == 2 and not settings.has_segment_ids:
        return processors.RobertaProcessing((end, ids[end]), (start, ids[start]))
    second = int(settings.has_segment_ids)
    return processors.TemplateProcessing(
        single=[f"{start}:0", "$A:0", f"{end}:0"],
        pair=[
            *(f"{start}:0", "$A:0", *[f"{end}:0"] * settings.pair_separators),
            *(f"$B:{second}", f"{end}:{second}"),
        ],
        special_tokens=[(start, ids[start]), (end, ids[end])],
    )
