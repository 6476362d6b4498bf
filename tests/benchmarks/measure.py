"""Measures a command: wall time, CPU time, and the memory that all its processes hold together."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.home import PROJECT

KEFU = (sys.executable, "-c", "from orchestration.cli import main; raise SystemExit(main())")
SECONDS_BETWEEN_LOOKS = 0.02
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """What a command took: seconds, seconds of all its processes on a CPU, bytes at the peak; and what it printed."""

    wall: float
    cpu: float
    memory: int
    out: str


def measured(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Measured:
    """Runs a command that has to succeed, as a process of its own."""
    paths = [str(PROJECT), str(PROJECT / "tests"), str(PROJECT / "tests" / "python")]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | dict(environment or {}),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        memory = 0
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            memory = max(memory, sum(map(_resident, _tree(process.pid))))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        out = printed.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{out}\nended with {process.returncode}")
    # The kernel keeps the peak of the largest process, between two looks as well.
    return Measured(wall, usage.ru_utime + usage.ru_stime, max(memory, usage.ru_maxrss * 1024), out)


def _tree(process: int) -> Iterator[int]:
    yield process
    with suppress(OSError):  # it has ended meanwhile
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _tree(int(child))


def _resident(process: int) -> int:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    return 0
