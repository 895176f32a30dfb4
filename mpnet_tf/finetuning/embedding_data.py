"""Batches that embedders are trained on: pairs, triples, scored pairs and plain texts.

All are `tf.data.Dataset`s for `fit`, of one epoch after the other without an end: give `fit` the
`steps_per_epoch`, which are `len(texts) // batch_size`. Batch k of epoch e is a pure function of
the texts, `(seed, e, k)` and nothing else, so a run can go on at `first_epoch`.

`pack` is a function in graph code from a string tensor `(batch_size,)` to a dict of int tensors
`(batch_size, sequence_length)` with a `padding_mask` (1 for tokens, 0 for padding after them), such
as `mpnet_tf.models.TextPacker`. Columns of padding that no text of a batch needs are cut off.

Empty texts are refused: each would be the partner of any other. Where `pack` has a `tokenizer` and
a `sequence_length`, one warning counts the texts that are too long and cut.
"""

import tensorflow as tf

from mpnet_tf.data.batches import ReplicaShare
from mpnet_tf.finetuning.batch_plan import number_texts, plan_batches
from mpnet_tf.finetuning.text_checks import check_training_texts

# Tells the draws of deletion from the order of the examples, which comes from `(seed, epoch)`.
_DELETION_STREAM = 2


def contrastive_batches(
    columns, pack, *, batch_size, seed, unique_texts=True, first_epoch=0, share=None
):
    """Makes batches of texts that belong together, row by row.

    Args:
        columns: sequence of sequences of str of equal length: anchors, positives and any number of
            hard negatives; of a `LabelledTexts` of pairs, `(examples.texts, examples.pairs)`. The
            same sequence twice makes the batches of unsupervised SimCSE: one text under two
            dropout masks.
        pack: makes features of texts, as the module tells.
        batch_size: int. Rows in a batch, over all replicas.
        seed: int from 0.
        unique_texts: bool. Whether no text occurs in two rows of a batch, where it would be its
            own negative. Default True.
        first_epoch: int from 0. Epoch to begin with. Default 0.
        share: `ReplicaShare` or None. The replicas to make them for; None for a single one.

    Returns:
        `tf.data.Dataset` of `(features, text_numbers)`: a tuple of dicts, one for each column, and
        an int64 tensor `(batch_size, len(columns))`, equal where texts are, which
        `MultipleNegativesRankingLoss` takes as its labels.

    Raises:
        ValueError: if the columns differ in length or are fewer than two, a text is empty,
            `batch_size` is not from 1 to their length, or texts repeat too often for
            `unique_texts`.

    References:
        [SimCSE](https://arxiv.org/abs/2104.08821), section 3, for one text twice.
    """
    _check_columns(columns)
    is_twice = len(columns) == 2 and columns[0] is columns[1]
    own_columns = columns[: 1 if is_twice else None]
    check_training_texts(own_columns, pack)
    text_numbers = number_texts(columns)
    texts = [tf.constant(column) for column in own_columns]
    all_numbers = tf.constant(text_numbers)

    def make(examples, place):
        features = [without_padding(pack(tf.gather(column, examples))) for column in texts]
        return tuple(features * 2 if is_twice else features), tf.gather(all_numbers, examples)

    return _batches(
        len(columns[0]),
        make,
        batch_size=batch_size,
        seed=seed,
        first_epoch=first_epoch,
        share=share,
        text_numbers=text_numbers if unique_texts else None,
    )


def scored_pair_batches(
    examples, pack, *, batch_size, seed, largest_score=1.0, first_epoch=0, share=None
):
    """Makes batches of pairs of texts with a score of how similar they are.

    Args:
        examples: `LabelledTexts` of pairs with scores.
        pack, batch_size, seed, first_epoch, share: as in `contrastive_batches`.
        largest_score: float. Divides the scores: 5.0 brings those of STS-B to the range from 0 to
            1 that `CosineRegressionLoss` wants. Default 1.0.

    Returns:
        `tf.data.Dataset` of `(features, scores)`: a tuple of two dicts, and a float32 tensor
        `(batch_size,)`.

    Raises:
        ValueError: if the examples are no pairs or have no scores, a text is empty, or `batch_size`
            is not from 1 to their number.
    """
    labels = examples.labels
    if examples.pairs is None or not labels or isinstance(labels[0], str):
        raise ValueError(
            f"`examples` must be pairs with scores. Received: those of {examples.source}"
        )
    columns = (examples.texts, examples.pairs)
    check_training_texts(columns, pack)
    texts = [tf.constant(column) for column in columns]
    scores = tf.constant(labels, tf.float32) / largest_score

    def make(numbers, place):
        features = [without_padding(pack(tf.gather(column, numbers))) for column in texts]
        return tuple(features), tf.gather(scores, numbers)

    order = {"batch_size": batch_size, "seed": seed, "first_epoch": first_epoch, "share": share}
    return _batches(len(labels), make, **order)


def denoising_batches(
    texts, pack, *, batch_size, seed, pad_token_id, deletion_rate=0.6, first_epoch=0, share=None
):
    """Makes batches of texts with tokens deleted, and of what they were, for `DenoisingModel`.

    Args:
        texts: sequence of str.
        pack, batch_size, seed, first_epoch, share: as in `contrastive_batches`.
        pad_token_id: int. What fills the rows.
        deletion_rate: float in [0, 1). Chance of each token to be deleted. Default 0.6.

    Returns:
        `tf.data.Dataset` of `(features, target_ids, target_weights)`: the dict of the features of
        the texts that are left and of `decoder_token_ids`, the whole texts without their last
        place; the tokens that follow those; and 1.0 where these are no padding. All are
        `(batch_size, ...)`.

    Raises:
        ValueError: if `deletion_rate` or `batch_size` is out of its range, or a text is empty.

    References:
        [TSDAE](https://arxiv.org/abs/2104.06979), section 3.
    """
    if not 0 <= deletion_rate < 1:
        raise ValueError(
            f"`deletion_rate` must be from 0 to less than 1. Received: {deletion_rate}"
        )
    check_training_texts([texts], pack)
    texts = tf.constant(texts)
    base_seed = tf.constant([seed, _DELETION_STREAM], tf.int32)

    def make(examples, place):
        whole = pack(tf.gather(texts, examples))
        own_seed = tf.random.fold_in(tf.random.fold_in(base_seed, place["epoch"]), place["batch"])
        # For all replicas' rows, so that the draws do not depend on their number.
        shape = (batch_size, tf.shape(whole["token_ids"])[1])
        first, size = place["first_row"], tf.size(examples)
        draws = tf.random.stateless_uniform(shape, own_seed)[first : first + size]
        features = without_padding(
            delete_tokens(whole, draws, rate=deletion_rate, pad_token_id=pad_token_id)
        )
        whole = without_padding(whole)
        features["decoder_token_ids"] = whole["token_ids"][:, :-1]
        weights = tf.cast(whole["padding_mask"][:, 1:], tf.float32)
        return features, whole["token_ids"][:, 1:], weights

    order = {"batch_size": batch_size, "seed": seed, "first_epoch": first_epoch, "share": share}
    return _batches(texts.shape[0], make, **order)


def entailment_triples(examples):
    """Makes triples of natural language inference: what a premise entails and what contradicts it.

    Args:
        examples: `LabelledTexts` of pairs with the labels "entailment" and "contradiction", such
            as of MNLI. Others are left out.

    Returns:
        Tuple of three lists of str: premises, an entailed text for each, and a contradicting one.
        A premise with several of them gives a triple for each entailed text, the contradicting
        ones taking turns; one that lacks either gives none.

    Raises:
        ValueError: if the examples are no pairs or have no labels.

    References:
        [SimCSE](https://arxiv.org/abs/2104.08821), section 4.
    """
    if examples.pairs is None or examples.labels is None:
        raise ValueError(
            f"`examples` must be pairs with labels. Received: those of {examples.source}"
        )
    found = {"entailment": {}, "contradiction": {}}
    for premise, hypothesis, label in zip(
        examples.texts, examples.pairs, examples.labels, strict=True
    ):
        if label in found:
            found[label].setdefault(premise, []).append(hypothesis)
    triples = ([], [], [])
    for premise, entailed in found["entailment"].items():
        contradicting = found["contradiction"].get(premise)
        for place, positive in enumerate(entailed if contradicting else ()):
            negative = contradicting[place % len(contradicting)]
            for column, text in zip(triples, (premise, positive, negative), strict=True):
                column.append(text)
    return triples


def without_padding(features):
    """Cuts off the columns of padding that no row needs.

    Args:
        features: dict of int tensors `(batch_size, sequence_length)` with a `padding_mask`, 1 for
            tokens and 0 for padding after them.

    Returns:
        Dict of int tensors `(batch_size, longest_length)`.
    """
    longest = tf.reduce_max(tf.reduce_sum(features["padding_mask"], axis=1))
    return {name: feature[:, :longest] for name, feature in features.items()}


def delete_tokens(features, draws, *, rate, pad_token_id):
    """Deletes tokens of packed texts at random; what is left moves together.

    The first and the last token of a row stay, and one at least of those between them.

    Args:
        features: dict of int tensors `(batch_size, sequence_length)`: `token_ids` and
            `padding_mask` (1 for tokens, 0 for padding after them), and others, which stay.
        draws: float tensor `(batch_size, sequence_length)`. Random numbers from 0 to 1.
        rate: float. Tokens with a lower number are deleted.
        pad_token_id: int. What fills the rows.

    Returns:
        A dict like `features`.
    """
    token_ids, padding_mask = features["token_ids"], features["padding_mask"]
    places = tf.range(tf.shape(token_ids)[1])[tf.newaxis]
    lengths = tf.cast(tf.reduce_sum(padding_mask, axis=1, keepdims=True), tf.int32)
    is_inner = (places > 0) & (places < lengths - 1)
    draws = tf.where(is_inner, draws, -1.0)
    stays = is_inner & ((draws >= rate) | (draws == tf.reduce_max(draws, axis=1, keepdims=True)))
    is_end = (places == 0) | (places == lengths - 1)
    kept = tf.ragged.boolean_mask(token_ids, stays | (is_end & (places < lengths)))
    new_lengths = tf.cast(kept.row_lengths(), tf.int32)[:, tf.newaxis]
    return {
        **features,
        "token_ids": kept.to_tensor(pad_token_id, shape=(None, token_ids.shape[1])),
        "padding_mask": tf.cast(places < new_lengths, padding_mask.dtype),
    }


def _check_columns(columns):
    if len(columns) < 2 or len({len(column) for column in columns}) > 1:
        raise ValueError(
            "`columns` must be two or more of equal length. "
            f"Received: lengths {[len(column) for column in columns]}"
        )


def _batches(num_examples, make, *, batch_size, seed, first_epoch, share, text_numbers=None):
    """Makes the batches of all epochs.

    Args:
        make: function from an int64 tensor `(rows_of_a_replica,)`, the numbers of examples, and
            a dict of int32 scalar tensors, their `epoch`, their `batch` in it and their
            `first_row` in that, to what the dataset yields.
        num_examples, batch_size, seed, text_numbers: as in `plan_batches`.
        first_epoch, share: as in `contrastive_batches`.
    """
    share = share or ReplicaShare()
    if batch_size % share.total:
        raise ValueError(
            f"`batch_size` must be a multiple of {share.total}, the number of replicas. "
            f"Received: batch_size={batch_size}"
        )
    num_rows = batch_size // share.total

    def plan(epoch):
        return plan_batches(
            num_examples,
            batch_size=batch_size,
            seed=seed,
            epoch=int(epoch),
            text_numbers=text_numbers,
        )

    def plan_epoch(epoch):
        examples = tf.numpy_function(plan, [epoch], tf.int64, stateful=False)
        examples = tf.reshape(examples, (-1, share.total, num_rows))
        examples = examples[:, share.first : share.first + share.count]
        parts = tf.range(num_examples // batch_size * share.count)
        place = {
            "epoch": tf.fill(tf.shape(parts), tf.cast(epoch, tf.int32)),
            "batch": parts // share.count,
            "first_row": (share.first + parts % share.count) * num_rows,
        }
        return tf.data.Dataset.from_tensor_slices((tf.reshape(examples, (-1, num_rows)), place))

    # Here, where an error names the caller's line, and no later.
    plan(first_epoch)
    dataset = tf.data.Dataset.range(first_epoch, tf.int32.max).flat_map(plan_epoch)
    dataset = dataset.map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.prefetch(tf.data.AUTOTUNE)
