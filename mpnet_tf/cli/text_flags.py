"""The flags by which every binary that reads text is told which and how."""

from absl import flags

INPUT = flags.DEFINE_multi_string(
    "input",
    [],
    "Text to read: file names or globs, on local disks or with a scheme such as gs://. Known are "
    ".txt (an empty line between documents), JSON Lines (.jsonl, .ndjson, .json), .csv, .tsv, "
    ".parquet, .warc, .wet and MediaWiki's .xml dumps, each also with .gz, .bz2, .xz or .zst. May "
    "be given more than once. Default: the reference text in Python.",
)
JSON_FIELD = flags.DEFINE_string(
    "json_field",
    "text",
    "Field or column with the text in JSON Lines, .csv, .tsv and .parquet files; a.b is the field "
    "b of the object a.",
)
STRICT = flags.DEFINE_bool(
    "strict", False, "Stop at damaged input instead of leaving it out and counting it."
)
