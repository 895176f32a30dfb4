"""What is wrong with one file: refused, or counted and told in one line."""

from absl import logging

_MAX_DETAILS = 10


class BrokenFileError(Exception):
    """A file that cannot be read to its end.

    Args:
        problem: str. What it is, as the end of a sentence: "is a broken gzip file (...)".
    """


class FileDamage:
    """Takes note of what is wrong with a file while a reader goes through it.

    Args:
        path: str.
        strict: bool. Whether whatever is wrong is refused at once.
        report: `ReadingReport`. Where it is counted.

    Attributes:
        path: str.
        has_invalid_lines: bool. Whether a line was not UTF-8 so far.
    """

    def __init__(self, path, *, strict, report):
        self.path = path
        self.has_invalid_lines = False
        self._strict = strict
        self._report = report
        self._details = []
        self._num_details = 0
        self._break = None

    def count_lines(self, number):
        """Counts lines, an int."""
        self._report.lines += number

    def note_invalid_line(self, number, error):
        """Notes a line that is not UTF-8.

        Args:
            number: int. Its number, from 1.
            error: `UnicodeDecodeError`.

        Raises:
            ValueError: if `strict`.
        """
        problem = f"line {number}: not UTF-8 (byte {error.object[error.start]:#04x})"
        if self._strict:
            raise ValueError(
                f"{self.path}, {problem}. Save the file as UTF-8, or leave such lines out by going "
                "without --strict."
            )
        self.has_invalid_lines = True
        self._report.lines_invalid_utf8 += 1
        self._add_detail(problem)

    def drop_invalid_utf8(self, place=None):
        """Counts a document of which nothing is UTF-8.

        Args:
            place: str or None. Where it is, as "row 7"; None where its lines were noted.

        Raises:
            ValueError: if `strict` and `place` is given.
        """
        if place is not None:
            if self._strict:
                raise ValueError(
                    f"{self.path}, {place}: not UTF-8. Save the file as UTF-8, or leave such "
                    "documents out by going without --strict."
                )
            self._add_detail(f"{place}: not UTF-8")
        self._report.drop("invalid_utf8")

    def drop_malformed(self, place, problem):
        """Counts a record without the form or the text of a document.

        Args:
            place: str. Where it is, as "line 7".
            problem: str. What is wrong with it.

        Raises:
            ValueError: if `strict`.
        """
        if self._strict:
            raise ValueError(f"{self.path}, {place}: {problem}")
        self._add_detail(f"{place}: {problem}")
        self._report.drop("malformed")

    def note_break(self, error):
        """Notes that the file cannot be read further.

        Args:
            error: `BrokenFileError`.

        Raises:
            ValueError: if `strict`.
        """
        if self._strict:
            raise ValueError(f"{self.path} {error}; make or copy it again.")
        self._report.files_broken += 1
        self._break = str(error)

    def finish(self, *, is_empty):
        """Counts the file and warns, in one line, of all that was wrong with it.

        Args:
            is_empty: str or None. As the end of a sentence, that the file held no document.

        Raises:
            ValueError: if `strict` and the file is empty.
        """
        self._report.files += 1
        problems = []
        if self._num_details:
            more = self._num_details - len(self._details)
            more = [f"{more} more"] if more else []
            problems.append("left out " + "; ".join(self._details + more))
        if self._break is not None:
            problems.append(f"{self._break}, read as far as it goes")
        elif is_empty:
            if self._strict:
                raise ValueError(f"{self.path} {is_empty}; leave it out of the input.")
            self._report.files_empty += 1
            problems.append(is_empty)
        if problems:
            logging.warning("%s: %s", self.path, "; ".join(problems))

    def _add_detail(self, text):
        self._num_details += 1
        if len(self._details) < _MAX_DETAILS:
            self._details.append(text)
