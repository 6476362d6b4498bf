"""Files that grow: what was added to them since they were read, up to the last whole line."""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from orchestration.landing.deliveries import Delivery, File

SETTLED_SECONDS = 10.0  # a file that nobody wrote for as long ends where it ends
COMPARED_BYTES = 1024  # before the place up to which a file was read: where they are others, it is another file
BLOCK_BYTES = 1 << 20
GROWING = (".csv", ".jsonl")  # formats to which lines can be added
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Read:
    """How far a file was read, and what tells that it is still the same one."""

    stamp: tuple[int, int, int]  # inode, bytes, nanoseconds of the last writing
    end: int  # bytes, up to the end of the last whole line
    before: bytes  # the last bytes before that
    is_open: bool  # whether something stood behind the last whole line, and was taken for a line


@dataclass(frozen=True)
class Part(Delivery):
    """What is to be read of a delivery now: files, or copies of what is new of them."""

    of: str = ""  # the signature of the delivery's files, before they were read, or another one where something is left of them
    reads: Mapping[Path, Read] = field(default_factory=dict)  # how far its files are read then
    adds: bool = False  # whether it comes beside what landed before

    @property
    def signature(self) -> str:
        return self.of


@dataclass
class Tail:
    """What has been read of the files of each delivery."""

    waits: bool  # for the rest of a line that has no end yet, as long as the file grows
    read: dict[tuple[str, str, object], Mapping[Path, Read]] = field(default_factory=dict)

    def take(self, delivery: Delivery, aside: Path) -> Part | None:
        """What is to be landed of a delivery that changed; nothing where no line is whole yet. Copies are written to the folder
        `aside`.
        """
        signature, known = delivery.signature, self.read.get(delivery.key, {})
        paths = {file.path for file in delivery.files}
        adds = bool(known) and known.keys() <= paths and all(_has_grown(path, read) for path, read in known.items())
        files: list[File] = []
        reads: dict[Path, Read] = {}
        for file in delivery.files:
            read = known.get(file.path) if adds else None
            if read and _is_all(file.path, read):
                reads[file.path] = read
                continue
            begin = read.end if read else 0
            part, reads[file.path] = _part(file, begin, aside, waits=self.waits)
            files += [part] if part else []
        if not files:
            return None
        is_whole = all(read.end == file.path.stat().st_size for file, read in zip(delivery.files, reads.values(), strict=True))
        of = signature if is_whole else f"part of {signature}"
        return Part(delivery.table, delivery.dt, tuple(files), of=of, reads=reads, adds=adds)

    def landed(self, part: Part) -> None:
        self.read[part.key] = part.reads


def _is_all(path: Path, read: Read) -> bool:
    """Whether nobody wrote a file since all of it was read."""
    return _stamp(path.stat()) == read.stamp and read.end == read.stamp[1]


def _has_grown(path: Path, read: Read) -> bool:
    """Whether a file is as it was read, or begins with what was read of it, where that ended with a line."""
    stat = path.stat()
    if _stamp(stat) == read.stamp:
        return True
    if read.is_open or stat.st_ino != read.stamp[0] or stat.st_size < read.end:
        return False
    with open(path, "rb") as file:
        return _before(file, read.end) == read.before


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _part(file: File, begin: int, aside: Path, *, waits: bool) -> tuple[File | None, Read]:
    """What is new of a file from a place on: the file itself, where it is read from its beginning and nobody writes it, else a
    copy of its whole lines.
    """
    stat = file.path.stat()
    is_growing = waits and file.path.suffix in GROWING and time.time() - stat.st_mtime < SETTLED_SECONDS
    with open(file.path, "rb") as source:
        if stat.st_size == 0 or source.read(2) in UTF_16 or (begin == 0 and not is_growing):
            is_open = file.path.suffix not in GROWING or not _ends_line(source, stat.st_size)
            return file, Read(_stamp(stat), stat.st_size, _before(source, stat.st_size), is_open)
        with mmap.mmap(source.fileno(), stat.st_size, access=mmap.ACCESS_READ) as content:
            lines = _end_of_lines(content, begin, is_csv=file.file_format == "csv")
            end = stat.st_size if not is_growing or _is_json(content[lines:]) else lines
            read = Read(_stamp(stat), end, content[max(0, end - COMPARED_BYTES) : end], is_open=end > lines)
            if end == begin:
                return None, read
            # A later part of a file is the later file: of one key its row stands.
            copy = replace(file, path=aside / f"{file.dt}-{begin:012}-{file.path.name}", name=_name(file, begin))
            with open(copy.path, "wb") as target:
                if begin and file.file_format == "csv":
                    target.write(content[: content.find(b"\n") + 1])
                for place in range(begin, end, BLOCK_BYTES):
                    target.write(content[place : min(end, place + BLOCK_BYTES)])
            return copy, read


def _is_json(line: bytes) -> bool:
    """Whether a line that has no end yet is a whole object: then it is no half one."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _name(file: File, begin: int) -> str:
    return f"{file.name} +{begin:012}" if begin else file.name


def _ends_line(source: BinaryIO, size: int) -> bool:
    source.seek(max(0, size - 1))
    return source.read(1) in (b"", b"\n")


def _before(source: BinaryIO, end: int) -> bytes:
    source.seek(max(0, end - COMPARED_BYTES))
    return source.read(min(end, COMPARED_BYTES))


def _end_of_lines(content: mmap.mmap, begin: int, *, is_csv: bool) -> int:
    """Where the last whole line from a place on ends. In a CSV file one that ends within quotes is none."""
    end = max(begin, content.rfind(b"\n", begin) + 1)
    if is_csv:
        quotes = sum(content[place : min(end, place + BLOCK_BYTES)].count(b'"') for place in range(begin, end, BLOCK_BYTES))
        while end > begin and quotes % 2:
            before = max(begin, content.rfind(b"\n", begin, end - 1) + 1)
            quotes -= content[before:end].count(b'"')
            end = before
    return end
