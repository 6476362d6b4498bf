"""`kefu explain`: a round's conversation as a timeline, and why the round counts or not.

A platform is one entry of TELLERS: it reads its rows and says what its rules make of them. Rounds are told alike for all
platforms by rounds.py, and everything is laid out by text.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.explain import kuaishou, taobao, taobao_limits, taobao_priority, taobao_ratings, xiaohongshu
from orchestration.explain.text import Explanation, render
from orchestration.home import Home, first_line

# By what an id begins with. None: there is no such round.
TELLERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str], Explanation | None]] = {
    "taobao-": taobao.explanation,
    taobao_ratings.PREFIX: taobao_ratings.explanation,
    taobao_limits.STREAK_PREFIX: taobao_limits.streak,
    taobao_limits.LIMIT_PREFIX: taobao_limits.limit,
    taobao_priority.PREFIX: taobao_priority.explanation,
    "kuaishou-": kuaishou.explanation,
    "xiaohongshu-": xiaohongshu.explanation,
}


def explain(home: Path, round_id: str) -> str:
    """The explanation of a round, session, rating card, streak, limit or entry as text; KefuError where there is none such."""
    prefix = max((prefix for prefix in TELLERS if round_id.startswith(prefix)), key=len, default=None)
    find = TELLERS[prefix] if prefix else None
    warehouse = Home(home.resolve()).warehouse
    if not warehouse.is_file():
        raise KefuError(f"--home {home} holds no warehouse: run kefu build first")
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = (find and find(connection, round_id)) or xiaohongshu.explanation(connection, round_id)
    except duckdb.CatalogException as error:
        raise KefuError(f"--home {home} holds no rounds yet: run kefu build first") from error
    except duckdb.Error as error:
        reason = "a build is writing to it, try again when it is done" if "set lock" in str(error) else first_line(error)
        raise KefuError(f"{warehouse} cannot be read: {reason}") from error
    if found is None and find is None:
        begins = " or ".join(TELLERS)
        raise KefuError(f"{round_id} is not the id of a round: it has to begin with {begins}, or be that of a session (进线)")
    if found is None:
        raise KefuError(f"no round {round_id} in --home {home}")
    return render(found)
