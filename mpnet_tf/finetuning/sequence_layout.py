"""How a text and what is to be written of it are laid out for a GLM body."""

import dataclasses

from mpnet_tf.models.argument_checks import positive_integer

PLACEHOLDER = "{source}"
# Tokens of a target, unless asked for otherwise.
_DEFAULT_TARGET_LENGTH = 128


@dataclasses.dataclass(frozen=True)
class SequenceLayout:
    """The form in which a model reads texts, and how long they and their targets may be.

    Args:
        pattern: str. What the model reads, with `{source}` for the text. A mask token in it is the
            blank that the target fills; without one the target continues it. GLM's authors have
            "{source} Summary: [MASK]" for summaries. Default "{source}".
        source_length: int or None. Most tokens of what the model reads, with the blank and special
            tokens; None for what the body has positions for. Default None.
        target_length: int or None. Most tokens of a target, with the one that ends it; None for
            128, or what the body has positions for. Default None.

    Raises:
        ValueError: if a length is not positive, or the pattern does not have `{source}` once.

    References:
        GLM (https://arxiv.org/abs/2103.10360), section 3.3 and figure 3.
    """

    pattern: str = PLACEHOLDER
    source_length: int | None = None
    target_length: int | None = None

    def __post_init__(self):
        if self.pattern.count(PLACEHOLDER) != 1:
            raise ValueError(
                f"`pattern` must have {PLACEHOLDER} once, where the text is to stand. "
                f"Received: pattern={self.pattern!r}"
            )
        for name in ("source_length", "target_length"):
            if getattr(self, name) is not None:
                positive_integer(name, getattr(self, name))

    def fitted(self, backbone):
        """Returns the same layout with the lengths that hold for a body.

        Args:
            backbone: `GLMBackbone`.

        Raises:
            ValueError: if a length is more than it has positions for.
        """
        longest = backbone.max_sequence_length
        for name in ("source_length", "target_length"):
            length = getattr(self, name)
            if length is not None and length > longest:
                raise ValueError(
                    f"`{name}` must be at most {longest}, the positions that the body has. "
                    f"Received: {name}={length}"
                )
        return dataclasses.replace(
            self,
            source_length=self.source_length or longest,
            target_length=self.target_length or min(_DEFAULT_TARGET_LENGTH, longest),
        )

    def parts(self):
        """Returns what stands before the text, the spaces right before it, and what follows it.

        Tokenizers for which a word and the space before it are one token want both together.
        """
        before, after = self.pattern.split(PLACEHOLDER)
        text_before = before.rstrip()
        return text_before, before[len(text_before) :], after
