"""Gradients of a loss of embeddings, also of a batch that is larger than the memory."""

import keras
import tensorflow as tf

from mpnet_tf.training.dropout_seeds import derived_seed, layer_seeds


class EmbeddingGradients:
    """Loss and gradients of a batch that several replicas share: a pure function.

    A loss of embeddings needs those of the whole batch at once, and its gradient reaches the
    weights through each text by itself. So: embed the texts; compute the loss of the embeddings of
    all replicas and its gradient with respect to them; send each replica's part of that back
    through its own texts. The sum over the replicas is the gradient that one device would compute
    of the whole batch, whatever the loss.

    With `chunk_size`, texts are embedded in chunks, twice: once without keeping activations, then,
    with the gradients of the embeddings known, chunk by chunk for the gradients of the weights.
    The memory is that of a chunk. The masks of dropout come from the given seed and the chunk's
    number, so they are the same both times.

    Args:
        embedder: built Keras model from features to embeddings `(batch_size, embedding_dim)`.
        loss: callable from embeddings, a list of float tensors, and labels to a scalar.
        chunk_size: int or None. Texts in a chunk; the last may be smaller. Default None: the
            embeddings of a column are computed at once and its activations kept.

    Raises:
        ValueError: if `chunk_size` is not positive.

    References:
        [Scaling Deep Contrastive Learning Batch Size under Memory Limited
        Setup](https://arxiv.org/abs/2101.06983), section 3 (GradCache).
    """

    def __init__(self, embedder, loss, chunk_size=None):
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"`chunk_size` must be positive. Received: chunk_size={chunk_size}")
        self._embedder = embedder
        self._loss = loss
        self._chunk_size = chunk_size
        self._seed_states = [
            variable for variable in embedder.variables if variable.name == "seed_generator_state"
        ]

    def __call__(self, columns, labels, seed, gradient_scale):
        """Computes the loss of all replicas' rows and this replica's part of the gradients.

        Args:
            columns: sequence of dicts of features of this replica's rows, one for each text of a
                row.
            labels: tensor `(batch_size, ...)` of this replica's rows, or None.
            seed: uint32 tensor `(2,)`. Of this replica in this step, for dropout.
            gradient_scale: function from a gradient of embeddings to what to send back in its
                place, such as an optimizer's `scale_loss`.

        Returns:
            The loss, the same on all replicas, and a list of float32 tensors in the order of the
            embedder's `trainable_variables`, whose sum over the replicas is the gradient.
        """
        if self._chunk_size is None:
            with tf.GradientTape() as tape:
                embeddings = [
                    self._embed(features, derived_seed(seed, column, 0))
                    for column, features in enumerate(columns)
                ]
        else:
            embeddings = [
                self._embed_in_chunks(features, seed, column)
                for column, features in enumerate(columns)
            ]
        loss, embedding_gradients = self._loss_and_gradients(embeddings, labels)
        embedding_gradients = [gradient_scale(gradient) for gradient in embedding_gradients]
        if self._chunk_size is None:
            return loss, self._weight_gradients(tape, embeddings, embedding_gradients)
        gradients = None
        for column, (features, gradient) in enumerate(
            zip(columns, embedding_gradients, strict=True)
        ):
            gradients = self._add_gradients_of_chunks(
                features, gradient, seed, column=column, gradients=gradients
            )
        return loss, gradients

    def loss(self, columns, labels):
        """Computes the loss of all replicas' rows, without dropout."""
        embeddings = [self._embed_in_chunks(features) for features in columns]
        everything, _ = _of_all_replicas([*embeddings, labels])
        return self._loss(everything[:-1], everything[-1])

    def _embed(self, features, seed=None):
        if seed is None:
            return tf.cast(self._embedder(features, training=False), tf.float32)
        with keras.StatelessScope(state_mapping=layer_seeds(self._seed_states, seed)):
            return tf.cast(self._embedder(features, training=True), tf.float32)

    def _loss_and_gradients(self, embeddings, labels):
        everything, own_rows = _of_all_replicas([*embeddings, labels])
        *embeddings, labels = everything
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(embeddings)
            loss = self._loss(embeddings, labels)
        gradients = tape.gradient(
            loss, embeddings, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, [gradient[own_rows] for gradient in gradients]

    def _weight_gradients(self, tape, embeddings, embedding_gradients):
        gradients = tape.gradient(
            embeddings,
            [variable.value for variable in self._embedder.trainable_variables],
            output_gradients=embedding_gradients,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        # That of a token embedding comes as slices, whose norm is another: rows that occur twice
        # are not added up in it.
        return [tf.cast(tf.convert_to_tensor(gradient), tf.float32) for gradient in gradients]

    def _embed_in_chunks(self, features, seed=None, column=0):
        """Embeds a column; without a seed, as in evaluation."""
        if self._chunk_size is None:
            return self._embed(features)

        def embed(chunk, number, parts):
            own_seed = None if seed is None else derived_seed(seed, column, number)
            return parts.write(number, self._embed(chunk, own_seed))

        # Of different sizes, as the last chunk may be smaller.
        parts = tf.TensorArray(
            tf.float32,
            size=0,
            dynamic_size=True,
            infer_shape=False,
            element_shape=(None, self._embedder.output_shape[-1]),
        )
        return self._over_chunks(embed, features, parts).concat()

    def _add_gradients_of_chunks(self, features, embedding_gradients, seed, *, column, gradients):
        def add(chunk, number, sums):
            chunk_features, chunk_gradients = chunk
            with tf.GradientTape() as tape:
                embeddings = self._embed(chunk_features, derived_seed(seed, column, number))
            new = self._weight_gradients(tape, [embeddings], [chunk_gradients])
            return [total + gradient for total, gradient in zip(sums, new, strict=True)]

        if gradients is None:
            gradients = [
                tf.zeros(variable.shape, tf.float32)
                for variable in self._embedder.trainable_variables
            ]
        return self._over_chunks(add, (features, embedding_gradients), gradients)

    def _over_chunks(self, function, rows, value):
        """Calls `value = function(chunk, number, value)` for each chunk, one after the other."""
        num_rows = tf.shape(tf.nest.flatten(rows)[0])[0]
        num_chunks = tf.maximum(-(-num_rows // self._chunk_size), 1)

        def body(number, value):
            begin = number * self._chunk_size
            chunk = tf.nest.map_structure(
                lambda tensor: tensor[begin : begin + self._chunk_size], rows
            )
            return number + 1, function(chunk, number, value)

        _, value = tf.while_loop(
            lambda number, value: number < num_chunks,
            body,
            (tf.constant(0), value),
            # Chunks side by side would take the memory that they are to save.
            parallel_iterations=1,
        )
        return value


def _of_all_replicas(tensors):
    """Joins the rows of all replicas, in their order.

    Args:
        tensors: list of tensors `(batch_size, ...)`, or None in place of one.

    Returns:
        The list with those of all replicas, without a gradient to the originals, and the slice of
        this replica's rows.
    """
    context = tf.distribute.get_replica_context()
    tensors = [None if one is None else tf.stop_gradient(one) for one in tensors]
    if context.num_replicas_in_sync == 1:
        return tensors, slice(None)
    # Replicas have different numbers of rows where these do not divide by the replicas.
    counts = context.all_gather(tf.shape(tensors[0])[:1], axis=0)
    ends = tf.cumsum(counts)
    replica = context.replica_id_in_sync_group
    own_rows = slice(ends[replica] - counts[replica], ends[replica])
    return [None if one is None else context.all_gather(one, axis=0) for one in tensors], own_rows
