"""What a whole preparation counted."""

import dataclasses

from data_prep.pipeline.tally import StepTally, add_tallies

SPLITS = ("train", "heldout")


@dataclasses.dataclass
class Totals:
    """Counts of tokenised chunks; the order of additions changes nothing.

    Args:
        tallies: dict from step's name to `StepTally`.
        sources: dict from source's name to dict of counts: `documents_read`, `documents_kept`,
            and for each split `documents_...` and `tokens_...` with copies counted.
    """

    tallies: dict[str, StepTally] = dataclasses.field(default_factory=dict)
    sources: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)

    def add_chunk(self, chunk):
        """Adds what a `TokenizedChunk` counted."""
        counts = {
            "documents_read": chunk.tallies["read"].documents_in,
            "documents_kept": chunk.num_kept,
        }
        for split in SPLITS:
            documents, tokens, text_bytes = chunk.counts(split)
            counts[f"documents_{split}"] = documents
            counts[f"tokens_{split}"] = tokens
            counts[f"text_bytes_{split}"] = text_bytes
        self._add(chunk.tallies, {chunk.source: counts})

    def add(self, other):
        """Adds other `Totals`."""
        self._add(other.tallies, other.sources)

    def _add(self, tallies, sources):
        add_tallies(self.tallies, tallies)
        for source, counts in sources.items():
            own = self.sources.setdefault(source, dict.fromkeys(counts, 0))
            for name, count in counts.items():
                own[name] += count
