"""Texts to the class of each word."""

import tensorflow as tf

from mpnet_tf.models.token_windows import row_lengths
from mpnet_tf.models.word_packer import WordPacker
from mpnet_tf.serving.compact_encoder import compact_network
from mpnet_tf.serving.row_groups import in_row_groups
from mpnet_tf.serving.served_text import valid_text
from mpnet_tf.serving.signature import Input, Signature, text_input, token_inputs

_TEXTS = ["Maria moved to Berlin.", "Nobody was at home."]
_WORDS = [["Maria", "moved", "to", "Berlin", "."], ["Nobody", "was", "at", "home", "."]]
_ROWS_AT_ONCE = 32


def token_classification_signatures(classifier, preprocessor, *, max_windows):
    """Makes the signatures `token_classify`, `token_classify_words` and `..._token_ids`.

    Args:
        classifier: `TransformerTokenClassifier`.
        preprocessor: `TransformerTextPreprocessor`.
        max_windows: int. Rows that a text may take; the words behind count as without tokens.

    Returns:
        List of `Signature`.
    """
    tagger = _Tagger(classifier, preprocessor, max_windows=max_windows)
    outputs = {
        "labels": "string (batch_size, max_words): the class of each word, '' behind the last",
        "scores": "float32 (batch_size, max_words): the probability of this class",
        "num_words": "int32 (batch_size,): words of each text",
    }
    places = "int32 (batch_size, max_words): the character of the text where each word"
    return [
        Signature(
            "token_classify",
            "Tells the class of each word of texts, cut at white space and punctuation.",
            tagger.classify,
            {"text": text_input("texts", _TEXTS)},
            {
                **outputs,
                "words": "string (batch_size, max_words): the words, '' behind the last",
                "starts": f"{places} begins",
                "ends": f"{places} has ended",
            },
        ),
        Signature(
            "token_classify_words",
            "Tells the class of each word of texts that are words already.",
            tagger.classify_words,
            {"words": Input(tf.string, (None, None), "words, '' behind the last; UTF-8", _WORDS)},
            outputs,
        ),
        Signature(
            "token_classify_token_ids",
            "Tells the class of each token of rows of token ids.",
            tagger.classify_token_ids,
            token_inputs(preprocessor(_TEXTS)),
            {
                "scores": "float32 (batch_size, sequence_length, num_classes): the probability of "
                f"each class, in the order {', '.join(tagger.names)}; without meaning at padding"
            },
        ),
    ]


class _Tagger:
    """What the signatures compute."""

    def __init__(self, classifier, preprocessor, *, max_windows):
        self.network = compact_network(classifier)
        self.tokenizer = preprocessor.tokenizer
        length = preprocessor.sequence_length
        self.packer = WordPacker(
            self.tokenizer,
            sequence_length=length,
            stride=length // 4,
            has_segment_ids=preprocessor.has_segment_ids,
            max_windows=max_windows,
        )
        self.class_without_tokens = classifier.class_without_tokens
        self.names = classifier.class_names or list(map(str, range(classifier.num_classes)))

    def classify(self, text):
        """Answers raw texts."""
        text = valid_text(text)
        starts, ends = self._word_places(text)
        words = _stretches(text, starts, ends)
        return {
            **self._answer(words),
            "words": words.to_tensor(""),
            "starts": starts.to_tensor(),
            "ends": ends.to_tensor(),
        }

    def _word_places(self, text):
        """Returns where the words of texts begin and end, two int32 ragged tensors."""
        pieces, starts, ends = self.tokenizer.tokenize_with_offsets(text)
        continues = tf.gather(tf.constant(self.tokenizer.continuation_flags), pieces.values)
        rows = tf.cast(pieces.value_rowids(), tf.int32)
        # A word ends before the next begins, or with its text.
        begins = tf.concat([~continues | _changes(rows), [True]], axis=0)
        num_rows = pieces.nrows()

        def words_of(values, chosen):
            return tf.RaggedTensor.from_value_rowids(
                tf.boolean_mask(tf.cast(values, tf.int32), chosen),
                tf.cast(tf.boolean_mask(rows, chosen), tf.int64),
                nrows=tf.cast(num_rows, tf.int64),
                validate=False,
            )

        return words_of(starts.values, begins[:-1]), words_of(ends.values, begins[1:])

    def classify_words(self, words):
        """Answers texts that are words already."""
        words = valid_text(words)
        # The last word that is none is the last that counts.
        places = tf.range(1, tf.shape(words)[1] + 1)
        lengths = tf.reduce_max(tf.where(tf.equal(words, ""), 0, places), axis=1)
        lengths = tf.maximum(lengths, 0)
        return self._answer(tf.RaggedTensor.from_tensor(words, lengths=lengths))

    def _answer(self, words):
        inputs, places = self.packer(words)
        rows = {**inputs, "first_pieces": places["first_pieces"]}
        rows["cut_distances"] = places["cut_distances"]
        # (num_windows, sequence_length) each, and the probabilities of the likeliest classes.
        best = in_row_groups(self._best_classes, rows, _ROWS_AT_ONCE)
        text_starts = tf.cast(tf.gather(words.row_starts(), places["text_index"]), tf.int32)
        word_index = tf.maximum(text_starts[:, tf.newaxis] + places["word_index"], 0)
        token, has_token = _most_surrounded(
            tf.reshape(places["first_pieces"], [-1]),
            tf.reshape(places["cut_distances"], [-1]),
            tf.reshape(word_index, [-1]),
            tf.size(words.values),
        )

        def of_words(values, default):
            # One value more, so that there is something to look at where there are no rows.
            values = tf.concat([tf.reshape(values, [-1]), [default]], axis=0)
            return words.with_values(tf.where(has_token, tf.gather(values, token), default))

        classes = of_words(best["classes"], self.class_without_tokens)
        labels = classes.with_values(tf.gather(tf.constant(self.names), classes.values))
        return {
            "labels": labels.to_tensor(""),
            "scores": of_words(best["scores"], 0.0).to_tensor(),
            "num_words": row_lengths(words),
        }

    def _best_classes(self, rows):
        inputs = {name: rows[name] for name in self.network.input}
        scores = tf.nn.softmax(self.network(inputs, training=False))
        return {
            "classes": tf.argmax(scores, axis=2, output_type=tf.int32),
            "scores": tf.reduce_max(scores, axis=2),
        }

    def classify_token_ids(self, **inputs):
        """Answers rows of token ids."""
        return {"scores": tf.nn.softmax(self.network(inputs, training=False))}


def _stretches(text, starts, ends):
    """Cuts texts at characters; a string ragged tensor of the shape of `starts`."""
    # Not a substring each: that would take a copy of the text for every word of it.
    characters = tf.strings.unicode_split(text, "UTF-8")
    firsts = tf.gather(
        tf.cast(characters.row_starts(), tf.int32), tf.cast(starts.value_rowids(), tf.int32)
    )
    places = tf.ragged.range(firsts + starts.values, firsts + ends.values)
    # The word of each character, counted up where one begins: `reduce_join` of the ragged tensor
    # would take memory for as many characters in each word as the longest has.
    begins, num_characters = places.row_splits[1:-1], tf.size(places.values)
    begun = tf.math.unsorted_segment_sum(tf.ones_like(begins), begins, num_characters + 1)
    words = tf.strings.unsorted_segment_join(
        tf.gather(characters.values, places.values),
        tf.cumsum(begun)[:num_characters],
        tf.size(starts.values),
    )
    return starts.with_values(words)


def _changes(rows):
    """Tells for each of sorted row numbers whether it is the first of its row."""
    return tf.concat([tf.ones_like(rows[:1], tf.bool), tf.not_equal(rows[1:], rows[:-1])], axis=0)


def _most_surrounded(first_pieces, cut_distances, word_index, num_words):
    """Finds where each word has the most of its text beside it, among all windows.

    Args:
        first_pieces, cut_distances, word_index: int32 tensors `(num_tokens,)`, as `WordPacker` has
            them, the words of all texts counted together.
        num_words: int32 scalar.

    Returns:
        int32 tensor `(num_words,)`, the first token with the largest distance, and bool
        `(num_words,)`, whether there is one.
    """
    num_tokens = tf.size(first_pieces, out_type=tf.int64)
    # In one number the distance and, of equal ones, the first token.
    order = tf.cast(cut_distances, tf.int64) * num_tokens
    order += num_tokens - 1 - tf.range(num_tokens)
    chosen = tf.where(first_pieces > 0)[:, 0]
    best = tf.math.unsorted_segment_max(
        tf.gather(order, chosen), tf.gather(word_index, chosen), num_words
    )
    token = num_tokens - 1 - best % tf.maximum(num_tokens, 1)
    has_token = best >= 0
    return tf.where(has_token, tf.cast(token, tf.int32), 0), has_token
