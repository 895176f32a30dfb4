"""A body that finds the answer to a question in a text."""

import keras
import keras_hub

from mpnet_tf.models.answer_spans import rank_answers
from mpnet_tf.models.argument_checks import check_list_of_texts
from mpnet_tf.models.question_windows import QuestionWindows, window_sizes
from mpnet_tf.models.raw_text_task import RawTextTask
from mpnet_tf.models.token_windows import packer_arguments, shorten_rows
from mpnet_tf.models.transformer_task import TransformerTask, make_head_dense


@keras.saving.register_keras_serializable(package="mpnet_tf")
class TransformerQuestionAnswerer(TransformerTask, RawTextTask, keras_hub.models.Task):
    """A backbone and a linear layer that scores each token as an answer's first and as its last.

    `answer` takes raw text. To train, make rows of token ids and labels with `QuestionWindows` and
    give `fit` a sparse categorical cross-entropy of logits for either output.

    Args:
        backbone: `TransformerBackbone`, or in a subclass its `backbone_cls`.
        preprocessor: `TransformerTextPreprocessor`, or in a subclass its `preprocessor_cls`, for
            raw text in `answer`; None to feed token ids. Default None.

    Call arguments:
        token_ids, padding_mask: what the backbone takes, with `segment_ids` where it has them.

    Returns:
        A dict of float32 tensors `(batch_size, sequence_length)`, `start_logits` and `end_logits`.
        Padding has logits as well, as in `transformers`: leave it out when you look for the
        highest.

    References:
        [BERT](https://arxiv.org/abs/1810.04805), section 4.2.
    """

    def __init__(self, backbone, preprocessor=None, **kwargs):
        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.output_dense = make_head_dense(backbone, 2, name="logits")

        # === Functional model ===
        # (batch_size, sequence_length, 2)
        logits = self.output_dense(backbone(backbone.input))
        outputs = {"start_logits": logits[:, :, 0], "end_logits": logits[:, :, 1]}
        super().__init__(inputs=backbone.input, outputs=outputs, **kwargs)

    def answer(self, questions, contexts, *, no_answer_threshold=None, **settings):
        """Finds the answers to questions.

        Args:
            questions: sequence of str.
            contexts: sequence of str. The text to look for the answer in, for each question.
            no_answer_threshold: float or None. A question has no answer if the null score is above
                the best answer's score by more than this; None means to answer all of them. Default
                None.
            **settings: what `rank_answers` takes, without `num_answers`.

        Returns:
            List of `Answer`: `text`, `score`, and `start` and `end` in characters of the context.

        Raises:
            ValueError: if the model has no preprocessor, or an argument is out of its range.
        """
        ranked = self.rank_answers(questions, contexts, num_answers=1, **settings)
        return [answers.best(no_answer_threshold) for answers in ranked]

    def rank_answers(
        self,
        questions,
        contexts,
        *,
        num_answers=20,
        max_answer_length=30,
        stride=None,
        max_question_length=None,
        batch_size=32,
    ):
        """Finds the best answers to questions, with the scores of having none.

        Rows are as long as the preprocessor says. Warnings count the questions that are cut, and
        the texts that are empty: an empty context has no answer.

        Args:
            questions, contexts: what `answer` takes.
            num_answers: int. Most answers to a question. Default 20.
            max_answer_length: int. Most tokens in an answer. Default 30.
            stride: int or None. Tokens that two windows over a long context share. None means 128,
                or a third of a row. Default None.
            max_question_length: int or None. Most tokens of a question; what is more is cut off.
                None means 64, or a quarter of a row. Default None.
            batch_size: int. Rows that the model takes at once. Default 32.

        Returns:
            List of `RankedAnswers`.

        Raises:
            ValueError: if the model has no preprocessor, the questions or contexts are no sequences
                of str of one length, or a number is out of its range.
        """
        check_list_of_texts("questions", questions)
        check_list_of_texts("contexts", contexts)
        questions, contexts = list(questions), list(contexts)
        if len(questions) != len(contexts):
            raise ValueError(
                "`contexts` must be as many as `questions`. "
                f"Received: {len(questions)} questions and {len(contexts)} contexts"
            )
        if not questions:
            return []
        arguments = packer_arguments(self)
        sizes = window_sizes(
            arguments["sequence_length"], stride=stride, max_question_length=max_question_length
        )
        windows = QuestionWindows(**arguments, **sizes)
        windows.warn_of_unfit_texts(questions, contexts)
        inputs, places = shorten_rows(*windows(questions, contexts))
        logits = self.predict(inputs, batch_size=batch_size, verbose=0)
        return rank_answers(
            logits,
            places,
            contexts,
            num_answers=num_answers,
            max_answer_length=max_answer_length,
        )
