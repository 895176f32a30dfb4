"""What a directory of token shards holds, as written in its `manifest.json`.

The manifest is written last, so a directory without one is unfinished. It holds no time and no
path of the machine: the same text, tokenizer and settings give the same bytes.
"""

import contextlib
import dataclasses
import hashlib
import json
import os

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
TOKENIZER_DIRECTORY = "tokenizer"

_HASH_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class FileRecord:
    """One file's name (without folder), size and SHA-256 in hexadecimal."""

    name: str
    size_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class ShardRecord:
    """One shard: its documents and tokens counted, and its two files."""

    num_documents: int
    num_tokens: int
    tokens: FileRecord
    documents: FileRecord


@dataclasses.dataclass(frozen=True)
class SplitRecord:
    """One split: its totals and its shards in order.

    Args:
        num_documents: int. Documents in all shards.
        num_tokens: int. Tokens in all shards.
        text_bytes: int. UTF-8 bytes of the text that the tokens came from.
        shards: tuple of `ShardRecord`. Empty where the split has no document.
    """

    num_documents: int
    num_tokens: int
    text_bytes: int
    shards: tuple[ShardRecord, ...]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """Everything known about a finished directory of token shards.

    Args:
        vocabulary_size: int. Every token id is below it.
        tokenizer_fingerprint: str. Hexadecimal hash of the tokenizer that made the ids.
        splits: dict from split name to `SplitRecord`.
        settings: dict. What the shards were made with, as JSON values.
        sources: tuple of `FileRecord`. The text that was read, in order.
        reading: dict from str to int. Lines and documents read, and dropped by each reason.
        versions: dict from str to str. The libraries that made the shards.
        mixture: dict from source's name to a dict: its `weight`, and how many `documents` were
            read, kept (`documents_kept`) and written (`documents_train`, `documents_heldout`,
            copies counted), with their `text_bytes` and `tokens`.
        steps: tuple of dicts, the steps of preparation in order: name `step`, `documents_in`,
            `documents_dropped` by reason, other `counts`, and `examples` of what was dropped.
        format_version: int. `FORMAT_VERSION` of the program that wrote it.
    """

    vocabulary_size: int
    tokenizer_fingerprint: str
    splits: dict[str, SplitRecord]
    settings: dict
    sources: tuple[FileRecord, ...]
    reading: dict[str, int]
    versions: dict[str, str]
    mixture: dict[str, dict] = dataclasses.field(default_factory=dict)
    steps: tuple[dict, ...] = ()
    format_version: int = FORMAT_VERSION

    def differences(self, *, settings, sources, tokenizer_fingerprint):
        """Names what in this manifest differs from what is wanted.

        Args:
            settings: dict. The wanted settings.
            sources: iterable of `FileRecord`. The wanted text.
            tokenizer_fingerprint: str. The wanted tokenizer.

        Returns:
            List of str, one a difference; empty where shards with this manifest would serve.
        """
        found = []
        for name in sorted(self.settings.keys() | settings.keys()):
            if self.settings.get(name) != settings.get(name):
                found.append(f"{name} was {self.settings.get(name)!r}, now {settings.get(name)!r}")
        if self.tokenizer_fingerprint != tokenizer_fingerprint:
            found.append("the vocabulary or its casing differs")
        if self.sources != tuple(sources):
            found.append("the input text differs")
        return found


def hash_file(path, *, opened=None):
    """Computes the `FileRecord` of a file, reading it in pieces.

    Args:
        path: str. The file.
        opened: binary file object at its start, or None to open `path` on the local disk.

    Returns:
        `FileRecord` with the file's base name.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    with open(path, "rb") if opened is None else contextlib.nullcontext(opened) as file:
        while piece := file.read(_HASH_CHUNK_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
    return FileRecord(os.path.basename(path), size_bytes, digest.hexdigest())


def write_manifest(manifest, directory):
    """Writes `manifest.json` into `directory`; call it after every other file is in place.

    Args:
        manifest: `Manifest`.
        directory: str. An existing directory.
    """
    text = json.dumps(dataclasses.asdict(manifest), indent=2, sort_keys=True, ensure_ascii=False)
    partial_path = os.path.join(directory, f"{MANIFEST_FILE}.partial")
    with open(partial_path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")
    os.replace(partial_path, os.path.join(directory, MANIFEST_FILE))


def read_manifest(directory):
    """Reads the manifest of a finished directory of shards.

    Args:
        directory: str. A directory that `mpnet-prepare` wrote.

    Returns:
        `Manifest`.

    Raises:
        ValueError: if the directory is absent or unfinished, or its manifest is damaged or of
            another format version.
    """
    path = os.path.join(directory, MANIFEST_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{directory} is not a finished directory of token shards: it has no {MANIFEST_FILE}. "
            "Make it with mpnet-prepare; if a run was cut off, start it again."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); prepare the shards again.") from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version}; this program reads version {FORMAT_VERSION}. "
            "Prepare the shards again with this version, or read them with the one that made them."
        )
    try:
        return _manifest_from_json(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged: {error!r} while reading it. Prepare the shards again."
        ) from None


def _manifest_from_json(values):
    splits = {name: _split_from_json(split) for name, split in values["splits"].items()}
    sources = tuple(FileRecord(**source) for source in values["sources"])
    steps = tuple(values.get("steps", ()))
    return Manifest(**{**values, "splits": splits, "sources": sources, "steps": steps})


def _split_from_json(values):
    shards = tuple(
        ShardRecord(
            num_documents=shard["num_documents"],
            num_tokens=shard["num_tokens"],
            tokens=FileRecord(**shard["tokens"]),
            documents=FileRecord(**shard["documents"]),
        )
        for shard in values["shards"]
    )
    return SplitRecord(**{**values, "shards": shards})
