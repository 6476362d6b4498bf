"""`kefu explain`: what happened in time, what was judged of it, and each clause that excluded it, with its evidence.

Rounds are told alike for all platforms by rounds.py. What else a platform judges has a teller of its own in TELLERS. All of them
read what the models say, and text.py lays it out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.explain import (
    figures,
    kuaishou_ratings,
    rounds,
    taobao_limits,
    taobao_priority,
    taobao_ratings,
    whole_conversation,
    xiaohongshu,
)
from orchestration.explain.tables import subject
from orchestration.explain.text import Explanation, Row, render
from orchestration.home import Home, first_line
from orchestration.landing.contract import platforms
from orchestration.privacy.buyers import landed_id

Tell = Callable[[duckdb.DuckDBPyConnection, Row], Explanation]

# What a full id begins with, what looks the rest of it up, and what tells the row. Rounds and streaks have full ids of their own.
TELLERS: list[tuple[str, str, Tell]] = [
    ("", rounds.ROUND, rounds.explanation),
    ("", taobao_limits.STREAK, taobao_limits.streak),
    ("xiaohongshu-", xiaohongshu.SESSION, xiaohongshu.explanation),
    ("kuaishou-card-", kuaishou_ratings.CARD, kuaishou_ratings.explanation),
    ("taobao-card-", taobao_ratings.CARD, taobao_ratings.explanation),
    ("taobao-limit-", taobao_limits.LIMIT, taobao_limits.limit),
    ("taobao-entry-", taobao_priority.ENTRY, taobao_priority.explanation),
]


def tellers() -> list[tuple[str, str, Tell]]:
    """Those, and one for the conversations of each platform that has none of its own for them."""
    own = {prefix for prefix, *_ in TELLERS}
    return TELLERS + [
        (f"{platform}-conversation-", whole_conversation.CONVERSATION.format(platform=platform), whole_conversation.explanation)
        for platform in platforms()
        if f"{platform}-" not in own
    ]


def explain(home: Path, given: str) -> str:
    """The explanation of whatever has an id, or of a figure, as text; KefuError where there is none such."""
    return render(explained(home, given))


def explained(home: Path, given: str) -> Explanation:
    """The same, before it is laid out."""
    opened = Home(home.resolve())
    if not opened.warehouse.is_file():
        raise KefuError(f"--home {home} holds no warehouse: run kefu build first")
    try:
        with opened.connect(read_only=True) as connection:
            found = explanation(connection, landed_id(connection, given))
    except duckdb.CatalogException as error:
        raise KefuError(f"--home {home} holds no rounds yet: run kefu build first") from error
    except duckdb.Error as error:
        raise KefuError(f"{opened.warehouse} cannot be read: {first_line(error)}") from error
    if found is not None:
        return found
    if given.startswith(tuple(f"{platform}-" for platform in platforms())):
        raise KefuError(f"no round {given} in --home {home}")
    raise KefuError(f"{given} is the id of nothing in --home {home}: `kefu explain --help` says what can be explained")


def explanation(connection: duckdb.DuckDBPyConnection, given: str) -> Explanation | None:
    """The explanation of whatever has this id; None where nothing has. KefuError where several things have it."""
    if (told := figures.figure(connection, given)) is not None:
        return told
    short: list[tuple[str, Tell, Row]] = []
    for prefix, sql, tell in tellers():
        row = subject(connection, sql, given.removeprefix(prefix))
        if row is not None and given.startswith(prefix):
            return tell(connection, row)
        if row is not None:
            short.append((prefix + given, tell, row))
    if len(short) > 1:
        raise KefuError(f"{given} is the id of several things: ask for {' or '.join(full for full, *_ in short)}")
    return next((tell(connection, row) for _, tell, row in short), None)
