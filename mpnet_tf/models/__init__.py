"""Models, tokenizers and heads that users import."""

from mpnet_tf.models.answer_spans import Answer, RankedAnswers
from mpnet_tf.models.bert_backbone import BertBackbone
from mpnet_tf.models.bert_masked_lm import BertMaskedLM
from mpnet_tf.models.bert_question_answerer import BertQuestionAnswerer
from mpnet_tf.models.bert_text_classifier import BertTextClassifier
from mpnet_tf.models.bert_text_embedder import BertTextEmbedder
from mpnet_tf.models.bert_text_preprocessor import BertTextPreprocessor
from mpnet_tf.models.bert_token_classifier import BertTokenClassifier
from mpnet_tf.models.bert_tokenizer import BertTokenizer
from mpnet_tf.models.bodies import BODIES, make_backbone, make_masked_lm
from mpnet_tf.models.byte_pair_tokenizer import BytePairTokenizer
from mpnet_tf.models.cloze_pattern import ClozePattern
from mpnet_tf.models.fill_mask import Guess
from mpnet_tf.models.filled_text import FilledText
from mpnet_tf.models.glm_backbone import GLMBackbone
from mpnet_tf.models.glm_causal_lm import GLMCausalLM
from mpnet_tf.models.glm_causal_lm_preprocessor import GLMCausalLMPreprocessor
from mpnet_tf.models.glm_cloze_classifier import GLMClozeClassifier
from mpnet_tf.models.glm_cloze_preprocessor import GLMClozePreprocessor
from mpnet_tf.models.glm_masked_lm import GLMMaskedLM
from mpnet_tf.models.glm_text_classifier import GLMTextClassifier
from mpnet_tf.models.glm_text_preprocessor import GLMTextPreprocessor
from mpnet_tf.models.glm_tokenizer import GLMTokenizer
from mpnet_tf.models.mask_filling import JointlyFilledText
from mpnet_tf.models.masked_lm import TransformerMaskedLM
from mpnet_tf.models.mpnet_backbone import MPNetBackbone
from mpnet_tf.models.mpnet_masked_lm import MPNetMaskedLM
from mpnet_tf.models.mpnet_question_answerer import MPNetQuestionAnswerer
from mpnet_tf.models.mpnet_text_classifier import MPNetTextClassifier
from mpnet_tf.models.mpnet_text_embedder import MPNetTextEmbedder
from mpnet_tf.models.mpnet_text_preprocessor import MPNetTextPreprocessor
from mpnet_tf.models.mpnet_token_classifier import MPNetTokenClassifier
from mpnet_tf.models.mpnet_tokenizer import MPNetTokenizer
from mpnet_tf.models.pretrainer import Pretrainer
from mpnet_tf.models.question_answerer import TransformerQuestionAnswerer
from mpnet_tf.models.question_windows import QuestionWindows
from mpnet_tf.models.repetition_penalty import RepetitionPenaltySampler
from mpnet_tf.models.sentencepiece_tokenizer import SentencePieceTokenizer
from mpnet_tf.models.task_models import TASKS, make_task, task_of
from mpnet_tf.models.text_classifier import TransformerTextClassifier
from mpnet_tf.models.text_embedder import TransformerTextEmbedder
from mpnet_tf.models.text_packer import TextPacker
from mpnet_tf.models.text_preprocessor import TransformerTextPreprocessor
from mpnet_tf.models.token_classifier import TransformerTokenClassifier
from mpnet_tf.models.tokenizers import open_tokenizer
from mpnet_tf.models.transformer_backbone import TransformerBackbone
from mpnet_tf.models.word_packer import WordPacker
from mpnet_tf.models.wordpiece_tokenizer import TransformerTokenizer
from mpnet_tf.models.xlnet_style_backbone import XLNetStyleBackbone
from mpnet_tf.models.xlnet_style_masked_lm import XLNetStyleMaskedLM
from mpnet_tf.models.xlnet_style_text_preprocessor import XLNetStyleTextPreprocessor

__all__ = [
    "BODIES",
    "TASKS",
    "Answer",
    "BertBackbone",
    "BertMaskedLM",
    "BertQuestionAnswerer",
    "BertTextClassifier",
    "BertTextEmbedder",
    "BertTextPreprocessor",
    "BertTokenClassifier",
    "BertTokenizer",
    "BytePairTokenizer",
    "ClozePattern",
    "FilledText",
    "GLMBackbone",
    "GLMCausalLM",
    "GLMCausalLMPreprocessor",
    "GLMClozeClassifier",
    "GLMClozePreprocessor",
    "GLMMaskedLM",
    "GLMTextClassifier",
    "GLMTextPreprocessor",
    "GLMTokenizer",
    "Guess",
    "JointlyFilledText",
    "MPNetBackbone",
    "MPNetMaskedLM",
    "MPNetQuestionAnswerer",
    "MPNetTextClassifier",
    "MPNetTextEmbedder",
    "MPNetTextPreprocessor",
    "MPNetTokenClassifier",
    "MPNetTokenizer",
    "Pretrainer",
    "QuestionWindows",
    "RankedAnswers",
    "RepetitionPenaltySampler",
    "SentencePieceTokenizer",
    "TextPacker",
    "TransformerBackbone",
    "TransformerMaskedLM",
    "TransformerQuestionAnswerer",
    "TransformerTextClassifier",
    "TransformerTextEmbedder",
    "TransformerTextPreprocessor",
    "TransformerTokenClassifier",
    "TransformerTokenizer",
    "WordPacker",
    "XLNetStyleBackbone",
    "XLNetStyleMaskedLM",
    "XLNetStyleTextPreprocessor",
    "make_backbone",
    "make_masked_lm",
    "make_task",
    "open_tokenizer",
    "task_of",
]
