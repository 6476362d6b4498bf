"""`kefu explain`: what happened in time, what was judged of it, and each clause that excluded it, with its evidence.

Rounds are told alike for all platforms by rounds.py. What else a platform judges has a teller of its own in TELLERS. All of them
read what the models say, and text.py lays it out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.explain import rounds, taobao_limits, taobao_priority, taobao_ratings, xiaohongshu
from orchestration.explain.tables import subject
from orchestration.explain.text import Explanation, Row, render
from orchestration.home import Home, first_line
from orchestration.landing.contract import platforms
from orchestration.privacy.buyers import landed_id

# What the prefix of an id leaves is looked up by the query, and its row told.
TELLERS: list[tuple[str, str, Callable[[duckdb.DuckDBPyConnection, Row], Explanation]]] = [
    ("", rounds.ROUND, rounds.explanation),
    ("taobao-card-", taobao_ratings.CARD, taobao_ratings.explanation),
    ("", taobao_limits.STREAK, taobao_limits.streak),
    ("taobao-limit-", taobao_limits.LIMIT, taobao_limits.limit),
    ("taobao-entry-", taobao_priority.ENTRY, taobao_priority.explanation),
    ("", xiaohongshu.SESSION, xiaohongshu.explanation),
    ("xiaohongshu-", xiaohongshu.SESSION, xiaohongshu.explanation),
]


def explain(home: Path, given: str) -> str:
    """The explanation of a round, session, rating card, streak, limit or entry as text; KefuError where there is none such."""
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
        return render(found)
    begins = [*(f"{platform}-" for platform in platforms()), *(prefix for prefix, *_ in TELLERS if prefix.startswith("taobao-"))]
    if not given.startswith(tuple(begins)):
        allowed = f"it has to begin with {' or '.join(begins)}, or be that of a session (进线)"
        raise KefuError(f"{given} is not the id of a round: {allowed}")
    raise KefuError(f"no round {given} in --home {home}")


def explanation(connection: duckdb.DuckDBPyConnection, given: str) -> Explanation | None:
    """The explanation of whatever has this id; None where nothing has."""
    for prefix, sql, tell in TELLERS:
        row = subject(connection, sql, given.removeprefix(prefix)) if given.startswith(prefix) else None
        if row is not None:
            return tell(connection, row)
    return None
