"""The flags by which every binary that reads text is told which and how."""

from absl import flags

INPUT = flags.DEFINE_multi_string(
    "input",
    [],
    "Text to read: file names or globs of .txt (an empty line between documents), .txt.gz, .jsonl "
    "or .jsonl.gz files. May be given more than once. Default: the reference text in Python.",
)
JSON_FIELD = flags.DEFINE_string("json_field", "text", "Field with the text in .jsonl files.")
ON_INVALID_UTF8 = flags.DEFINE_enum(
    "on_invalid_utf8",
    "skip",
    ["skip", "refuse"],
    "What to do about a line that is not UTF-8: leave it out with a warning, or stop.",
)
