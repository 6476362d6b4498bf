"""Writes the landing files of the sample data, one delivery (platform and day) at a time.

A delivery is a function of the arguments, the seed and its day alone: its chats are drawn anew from hashes, and with
them the few older chats whose rows come late. So memory holds a day's chats, never more, and deliveries can be made in
any order. Every database has one thread, which keeps the files the same byte for byte on any machine; several
databases work side by side instead.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.contract import Column, Table, contract
from orchestration.sample import phrases
from orchestration.sample.profiles import Profile, profiles
from orchestration.sql import text

FORMATS = ("parquet", "csv", "jsonl")
MARK = "_generated"  # the file by which a landing folder is known as sample data; landing passes over such names
EPOCH = date(1970, 1, 1)
SECONDS_BETWEEN_REPORTS = 3.0
# Batches made side by side: at most as many as there are platforms, so that together they hold about one day.
MAX_WORKERS = len(profiles())
# A database is slow to set up, and slowly takes more memory: a new one now and then.
DAYS_PER_BATCH = 5
# How many exchanges a chat has: drawn from this list with equal chances.
EXCHANGES_PER_CHAT = [1] * 56 + [2] * 54 + [3] * 36 + [4] * 24 + [5] * 14 + [6] * 8 + [7] * 5 + [8] * 3

_COPY_OPTIONS = {
    "parquet": "format parquet, compression zstd",
    "csv": "format csv, header, timestampformat '%Y-%m-%d %H:%M:%S.%g'",
    "jsonl": "format json, timestampformat '%Y-%m-%d %H:%M:%S.%g'",
}

Report = Callable[[str], None]

# What the platforms publish, and what people write down to read it, is not drawn: it would agree with nothing.
PUBLISHED = ("official_metrics", "official_sheets", "account_aliases")


@dataclass(frozen=True)
class Request:
    """What to generate: the arguments of `generate`, checked."""

    landing: Path
    days: int
    shops: int
    agents: int
    messages_per_day: int
    start: date
    seed: int
    file_format: str


@dataclass(frozen=True)
class Batch:
    """Some consecutive deliveries of one platform, made with one database."""

    profile: Profile
    dts: tuple[date, ...]


def generate(
    landing: Path,
    *,
    days: int,
    shops: int,
    agents: int,
    messages_per_day: int,
    start: date,
    seed: int,
    file_format: str,
    report: Report,
) -> int:
    """Writes sample landing files below `landing` and returns the number of message rows in them.

    `days` event days from `start` on, delivered on the day after each; `shops` per platform; `agents` per shop;
    `messages_per_day` over all shops and platforms, on average. `report` gets a line of progress every few seconds.
    More days only add deliveries: those of fewer days, same seed, stay byte for byte as they are.
    """
    request = Request(Path(landing), days, shops, agents, messages_per_day, start, seed, file_format)
    check(request)
    request.landing.mkdir(parents=True, exist_ok=True)
    (request.landing / MARK).touch()
    # DuckDB, not Python, does the work, and it releases the interpreter meanwhile: threads are enough.
    batches = list(_batches(request))
    with ThreadPoolExecutor(max_workers=min(MAX_WORKERS, os.cpu_count() or 1)) as pool:
        futures = [pool.submit(deliver, request, batch) for batch in batches]
        try:
            return _follow(futures, batches, report)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def check(request: Request) -> None:
    """Raises ValueError, in one sentence, for arguments that make no sense."""
    for name in ("days", "shops", "agents", "messages_per_day"):
        value = getattr(request, name)
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}.")
    if request.file_format not in FORMATS:
        raise ValueError(f"file_format must be one of {', '.join(FORMATS)}, not {request.file_format!r}.")
    if request.start < EPOCH:
        raise ValueError(f"start must not be earlier than {EPOCH}, not {request.start}.")
    if request.days > (date.max - request.start).days:
        raise ValueError(f"{request.days} days from {request.start} on go beyond the calendar.")
    if not -(2**63) <= request.seed < 2**63:
        raise ValueError(f"seed must fit into 64 bits, not {request.seed}.")
    if request.landing.exists() and not request.landing.is_dir():
        raise ValueError(f"landing must be a directory, and {request.landing} is a file.")
    if request.landing.exists() and any(request.landing.iterdir()) and not (request.landing / MARK).exists():
        raise ValueError(f"landing {request.landing} holds what was not generated: name a folder that is new or empty.")


def _batches(request: Request) -> Iterator[Batch]:
    """All deliveries, the earlier days first."""
    dts = [request.start + timedelta(days=day + 1) for day in range(request.days)]
    for first in range(0, request.days, DAYS_PER_BATCH):
        for profile in profiles():
            yield Batch(profile, tuple(dts[first : first + DAYS_PER_BATCH]))


def _follow(futures: list["Future[int]"], batches: list[Batch], report: Report) -> int:
    """Waits for all batches and reports now and then. Returns the messages of all of them."""
    messages = 0
    last = time.monotonic()
    for done, (future, batch) in enumerate(zip(futures, batches, strict=True), start=1):
        messages += future.result()
        if time.monotonic() - last >= SECONDS_BETWEEN_REPORTS and done < len(futures):
            last = time.monotonic()
            report(f"generate: {messages:,} messages up to {batch.dts[-1]} ({100 * done // len(futures)} %)")
    return messages


def deliver(request: Request, batch: Batch) -> int:
    """Writes the files of a batch. Returns the number of its message rows."""
    platform = batch.profile.platform
    messages = 0
    with duckdb.connect(config={"threads": 1}) as connection:
        _set_variables(connection, _variables(request, batch.profile))
        connection.execute(_script("world"))
        for dt in batch.dts:
            connection.execute("set variable dt_no = ?", [(dt - EPOCH).days])
            connection.execute(_script("chats"))
            connection.execute(_script(f"{platform}_chats"))
            if dt == batch.dts[0]:
                # Views: they read whatever is in the tables of the day.
                connection.execute(_script(f"{platform}_tables"))
            for table in contract().values():
                if table.platform == platform and table.name not in PUBLISHED:
                    rows = _write(connection, request, table, request.landing / table.label / f"dt={dt}")
                    messages += rows if table.name == "messages" else 0
    return messages


def _set_variables(connection: duckdb.DuckDBPyConnection, variables: dict[str, Any]) -> None:
    for name, value in variables.items():
        if isinstance(value, list):
            # As JSON, because binding a list costs DuckDB far more than reading one.
            kind = "integer[]" if isinstance(value[0], int) else "varchar[]"
            connection.execute(f"set variable {name} = ?::json::{kind}", [json.dumps(value)])
        else:
            connection.execute(f"set variable {name} = ?", [value])


def _variables(request: Request, profile: Profile) -> dict[str, Any]:
    """What the scripts read with `getvariable`."""
    share = profile.message_share / sum(one.message_share for one in profiles())
    chats_per_day = request.messages_per_day * share / profile.messages_per_chat
    settings = asdict(profile)
    return {
        "seed": request.seed,
        "start_no": (request.start - EPOCH).days,
        "shops": request.shops,
        "agents": request.agents,
        "chats_per_day": chats_per_day,
        "regulars": max(20, math.ceil(2.8 * chats_per_day)),
        "shoppers": max(2, math.ceil(0.01 * chats_per_day)),
        "hours": [hour for hour, weight in enumerate(profile.hour_weights) for _ in range(weight)],
        "lengths": EXCHANGES_PER_CHAT,
        "day_routes": _spread(profile.day_routes),
        "night_routes": _spread(profile.night_routes),
        **{name: settings[name] for name in _PROFILE_VARIABLES},
        **_phrase_variables(),
    }


_PROFILE_VARIABLES = (
    "prefix",
    "on_time_low",
    "on_time_high",
    "later_on_time_low",
    "first_limit",
    "later_limit",
    "typical_seconds",
    "abandoned_share",
)


def _spread(shares: dict[str, int]) -> list[str]:
    """Each name as often as its share says: a list to draw from with equal chances."""
    return [name for name, share in shares.items() for _ in range(share)]


def _phrase_variables() -> dict[str, Any]:
    return {
        "topics": len(phrases.TOPICS),
        "per_topic": phrases.PER_TOPIC,
        "questions": [text for questions, _ in phrases.TOPICS for text in questions],
        "answers": [text for _, answers in phrases.TOPICS for text in answers],
        "openings": list(phrases.OPENINGS),
        "nudges": list(phrases.NUDGES),
        "handover_requests": list(phrases.HANDOVER_REQUESTS),
        "thanks": list(phrases.THANKS),
        "salutes": list(phrases.SALUTES),
        "endings": list(phrases.ENDINGS),
        "follow_ups": list(phrases.FOLLOW_UPS),
        "goodbyes": list(phrases.GOODBYES),
        "discouraged": list(phrases.DISCOURAGED),
        "greetings": list(phrases.GREETINGS),
        "bot_answers": list(phrases.BOT_ANSWERS),
    }


@cache
def _script(name: str) -> str:
    return resources.files("orchestration.sample").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def _write(connection: duckdb.DuckDBPyConnection, request: Request, table: Table, folder: Path) -> int:
    """Writes one table's file of the day. Returns its number of rows. Without rows only what comes every day has one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part.{request.file_format}"
    columns = ", ".join(_column(column, request.file_format) for column in table.columns)
    # By number, messages are in the same order as by their ids, and much quicker.
    order = "cid, message_no" if table.name == "messages" else ", ".join(f"{column} nulls first" for column in table.key)
    row = connection.execute(
        f"copy (select {columns} from out_{table.name} where land_no = getvariable('dt_no') order by {order})"
        f" to {text(path)} ({_COPY_OPTIONS[request.file_format]})"
    ).fetchone()
    rows = int(row[0]) if row else 0
    # What an earlier run with another format left here would be delivered as well.
    for other in FORMATS:
        if other != request.file_format:
            (folder / f"part.{other}").unlink(missing_ok=True)
    if rows == 0 and not table.is_daily:
        path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
    return rows


def _column(column: Column, file_format: str) -> str:
    if column.data_type == "varchar[]" and file_format == "csv":
        return f"array_to_string({column.name}, '|') as {column.name}"
    return column.name
