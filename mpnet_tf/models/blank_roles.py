"""What filling blanks needs of a vocabulary."""

from mpnet_tf.data import vocabulary as vocabulary_lib
from mpnet_tf.objectives.token_roles import TokenRoles


def blank_roles(tokenizer):
    """Returns the roles of a vocabulary's tokens.

    Args:
        tokenizer: `VocabularyTokenizer`.

    Returns:
        `TokenRoles`, with the tokens that begin and end a span.

    Raises:
        ValueError: if the vocabulary lacks one of these.
    """
    roles = TokenRoles.from_tokenizer(tokenizer)
    for name, token in (
        ("span_start_token_id", vocabulary_lib.SPAN_START_TOKEN),
        ("span_end_token_id", vocabulary_lib.SPAN_END_TOKEN),
    ):
        if getattr(roles, name) is None:
            raise ValueError(
                f"`tokenizer` must have {token!r} in its vocabulary, which filling blanks "
                f"needs. Received: a tokenizer with {roles.vocabulary_size} tokens and not "
                "that one. Use the tokenizer that the model was pretrained with."
            )
    return roles
