"""`make bench-live`: how long after a line was written `live.duckdb` says so, and what that takes.

200 shops get so many messages a second, added to the file of the running day. Each second one more is a question that nobody
answers: what is measured is the time from when its line is written until a reader sees it in open_rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from harness import kefu

from orchestration.sample.generate import generate

SHOPS, AGENTS, DAYS = 200, 5, 365
START = datetime(2025, 9, 1)
TODAY = START + timedelta(days=DAYS)
MESSAGES_PER_SESSION = 6
TICK_SECONDS = 0.1  # in which lines are written together
LOOK_SECONDS = 0.2  # how often a reader looks
MARGIN = timedelta(seconds=2)  # by which the writer's clock is behind that of `kefu live`, so that what it writes has happened


@dataclass
class Writer:
    """Adds messages to the file of the day."""

    path: Path
    per_second: int
    now: Callable[[], datetime]
    written: dict[str, float] = field(default_factory=dict)  # when each question that is waited for was written
    messages: int = 0
    is_over: bool = False

    def run(self) -> None:
        started, asked = time.monotonic(), 0
        with open(self.path, "a", encoding="utf-8") as file:
            while not self.is_over:
                elapsed, at = time.monotonic() - started, self.now()
                lines = [_line("live", number, at) for number in range(self.messages, int(elapsed * self.per_second))]
                self.messages += len(lines)
                while asked <= elapsed:
                    self.written[f"asked-{asked}"] = time.monotonic()
                    lines.append(_message(f"asked-{asked}", f"asked-{asked}", asked, at, "user"))
                    asked += 1
                file.write("".join(lines))
                file.flush()
                time.sleep(TICK_SECONDS)


def _line(what: str, number: int, at: datetime) -> str:
    session = number // MESSAGES_PER_SESSION
    return _message(f"{what}-{number}", f"{what}-{session}", session, at, "user" if number % 2 == 0 else "agent")


def _message(message: str, session: str, number: int, at: datetime, sender: str) -> str:
    row = {
        "message_id": message, "session_id": session, "shop_id": f"ks-shop-{number % SHOPS + 1:02}", "user_id": f"u-{session}",
        "agent_id": f"ks-shop-{number % SHOPS + 1:02}:agent-01", "sender_kind": sender, "content": "在吗", "sent_at": str(at),
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False) + "\n"


@dataclass
class Reader:
    """Looks into live.duckdb as people do."""

    link: Path
    seen: dict[str, float] = field(default_factory=dict)
    version: Path | None = None

    def look(self) -> datetime | None:
        """Notes which questions are there for the first time. Returns the moment, where there is a new one."""
        if not self.link.exists() or self.link.resolve() == self.version:
            return None
        self.version = self.link.resolve()
        with duckdb.connect(str(self.version), read_only=True) as connection:
            found = connection.execute(
                "select conversation_id from live.open_rounds where starts_with(conversation_id, 'asked-')"
            )
            for (session,) in found.fetchall():
                self.seen.setdefault(session, time.monotonic())
            ((as_of,),) = connection.execute("select max(as_of) from live.open_rounds").fetchall()
        return as_of if isinstance(as_of, datetime) else None


def _status(process: int) -> tuple[float, int, int]:
    """CPU seconds, resident megabytes at most, open files of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    peak = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM"))
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu, int(peak.split()[1]) // 1024, len(os.listdir(f"/proc/{process}/fd"))


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--size", type=int, required=True, help="of the history, in millions of messages")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--per-second", type=int, required=True)
    parser.add_argument("--hours", type=float, required=True, help="of the day that have gone by at that pace when it begins")
    options = parser.parse_args()
    history, home = options.work / str(options.size) / "landing", options.work / str(options.size) / "live-home"
    if not history.exists():
        generate(
            history, days=DAYS, shops=SHOPS, agents=AGENTS, messages_per_day=options.size * 1_000_000 // DAYS, start=START.date(),
            seed=1, file_format="parquet", report=print,
        )  # fmt: skip
    outcome = kefu("build", "--landing", history, "--home", home)
    if outcome.code:
        raise SystemExit(outcome.err)
    measure(history, home, options.minutes, options.per_second, options.hours)


def measure(landing: Path, home: Path, minutes: float, per_second: int, hours: float) -> None:
    file = landing / "kuaishou" / "messages" / f"dt={TODAY:%Y-%m-%d}" / "bench-live.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    at, gone_by = TODAY + timedelta(hours=17), int(hours * 3600 * per_second)
    with open(file, "w", encoding="utf-8") as written:
        for number in range(gone_by):
            written.write(_line("gone", number, at - timedelta(seconds=(gone_by - number) / per_second)))
    command = [sys.executable, "-c", "import sys; from orchestration.cli import main; sys.exit(main())", "live"]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--landing", landing, "--home", home, "--at", str(at)])
    reader = Reader(home / "live.duckdb")
    before = reader.link.resolve() if reader.link.exists() else None
    reader.version = before
    try:
        while (as_of := reader.look()) is None:
            if process.poll() is not None:
                raise SystemExit("kefu live ended")
            time.sleep(LOOK_SECONDS)
        ready, (cpu_before, _, _), size_before = time.monotonic(), _status(process.pid), _megabytes(home / "live")
        writer = Writer(file, per_second, lambda: as_of + timedelta(seconds=time.monotonic() - ready) - MARGIN)
        threading.Thread(target=writer.run, daemon=True).start()
        while time.monotonic() - ready < minutes * 60:
            reader.look()
            time.sleep(LOOK_SECONDS)
        cpu, peak, files = _status(process.pid)
        writer.is_over = True
    finally:
        process.terminate()
        process.wait()
        file.unlink(missing_ok=True)
    seconds = sorted(seen - writer.written[session] for session, seen in reader.seen.items() if session in writer.written)
    elapsed = time.monotonic() - ready
    print(f"start-up                  {ready - began:.1f} s")
    print(
        f"messages                  {gone_by:,} before, {writer.messages:,} in {elapsed:.0f} s, {per_second} a second asked for"
    )
    print(f"questions                 {len(seconds):,} of {len(writer.written):,} seen")
    middle, almost_all = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    print(f"from line to live.duckdb  median {middle:.1f} s, p99 {almost_all:.1f} s, most {seconds[-1]:.1f} s")
    print(f"CPU                       {(cpu - cpu_before) / elapsed:.2f} cores")
    print(f"memory at most            {peak:,} MB, open files {files}")
    print(f"HOME/live                 {size_before:,.0f} MB at first, {_megabytes(home / 'live'):,.0f} MB at last")


if __name__ == "__main__":
    main()
