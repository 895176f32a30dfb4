"""What each step did to the documents, counted so that the counts of chunks add up."""

import dataclasses

EXAMPLES_PER_REASON = 3
_EXAMPLE_CHARACTERS = 200


@dataclasses.dataclass(frozen=True, order=True)
class Example:
    """A document that was dropped.

    Args:
        order: int. Its order (see `orders`).
        file: str. Base name of the file it was in.
        document: int. Which document of the file, from 1.
        text: str. How it began.
    """

    order: int
    file: str
    document: int
    text: str


@dataclasses.dataclass
class StepTally:
    """One step's counts.

    Args:
        documents_in: int. Documents that reached the step.
        dropped: dict from reason to int. Documents that the step dropped.
        counts: dict from str to int. What else it did.
        examples: dict from reason to list of `Example`: the first ones of the corpus.
    """

    documents_in: int = 0
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    examples: dict[str, list[Example]] = dataclasses.field(default_factory=dict)

    def add(self, other):
        """Adds the counts of other documents; the order of additions changes nothing."""
        self.documents_in += other.documents_in
        for own, given in ((self.dropped, other.dropped), (self.counts, other.counts)):
            for name, count in given.items():
                own[name] = own.get(name, 0) + count
        for reason, examples in other.examples.items():
            found = sorted(self.examples.get(reason, []) + examples)
            self.examples[reason] = found[:EXAMPLES_PER_REASON]

    def add_dropped(self, reason, places, chunk):
        """Counts documents of a chunk as dropped.

        Args:
            reason: str.
            places: list of int. Indices of the documents in `chunk`, rising.
            chunk: `Chunk`.
        """
        if not places:
            return
        self.dropped[reason] = self.dropped.get(reason, 0) + len(places)
        found = [
            Example(
                order=int(chunk.orders[place]),
                file=chunk.file_name,
                document=int(chunk.numbers[place]) + 1,
                text=chunk.texts[place][:_EXAMPLE_CHARACTERS],
            )
            for place in places[:EXAMPLES_PER_REASON]
        ]
        known = self.examples.get(reason, [])
        self.examples[reason] = sorted(known + found)[:EXAMPLES_PER_REASON]


def add_tallies(total, tallies):
    """Adds the tallies of a chunk to those of others.

    Args:
        total: dict from step's name to `StepTally`; changed.
        tallies: dict from step's name to `StepTally`.
    """
    for step, tally in tallies.items():
        total.setdefault(step, StepTally()).add(tally)


def step_records(tallies, steps):
    """Returns tallies as the manifest holds them.

    Args:
        tallies: dict from step's name to `StepTally`.
        steps: iterable of str. Names of the steps that ran, in order.

    Returns:
        List of dicts of JSON values, one a step.
    """
    records = []
    for step in steps:
        tally = tallies.get(step, StepTally())
        records.append(
            {
                "step": step,
                "documents_in": tally.documents_in,
                "documents_dropped": dict(sorted(tally.dropped.items())),
                "counts": dict(sorted(tally.counts.items())),
                "examples": {
                    reason: [
                        {"file": example.file, "document": example.document, "text": example.text}
                        for example in examples
                    ]
                    for reason, examples in sorted(tally.examples.items())
                },
            }
        )
    return records
