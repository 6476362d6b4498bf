"""`kefu explain`: what happened in time, what was judged of it, and each clause that excluded it, with its evidence.

Rounds are told alike for all platforms by rounds.py. What else a platform judges has a teller of its own in TELLERS. All of them
read what the models say, and text.py lays it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from orchestration.errors import KefuError
from orchestration.explain import rounds, taobao_limits, taobao_priority, taobao_ratings, xiaohongshu
from orchestration.explain.text import Explanation, render
from orchestration.home import Home, first_line
from orchestration.landing.contract import platforms

# By what an id begins with. None: there is no such thing.
TELLERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str], Explanation | None]] = {
    taobao_ratings.PREFIX: taobao_ratings.explanation,
    taobao_limits.STREAK_PREFIX: taobao_limits.streak,
    taobao_limits.LIMIT_PREFIX: taobao_limits.limit,
    taobao_priority.PREFIX: taobao_priority.explanation,
}


def explain(home: Path, given: str) -> str:
    """The explanation of a round, session, rating card, streak, limit or entry as text; KefuError where there is none such."""
    warehouse = Home(home.resolve()).warehouse
    if not warehouse.is_file():
        raise KefuError(f"--home {home} holds no warehouse: run kefu build first")
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = next(explanations(connection, given), None)
    except duckdb.CatalogException as error:
        raise KefuError(f"--home {home} holds no rounds yet: run kefu build first") from error
    except duckdb.Error as error:
        reason = "a build is writing to it, try again when it is done" if "set lock" in str(error) else first_line(error)
        raise KefuError(f"{warehouse} cannot be read: {reason}") from error
    if found is not None:
        return render(found)
    prefixes = [f"{platform}-" for platform in platforms()]
    if not given.startswith(tuple(prefixes)):
        begins = " or ".join([*prefixes, *TELLERS])
        raise KefuError(f"{given} is not the id of a round: it has to begin with {begins}, or be that of a session (进线)")
    raise KefuError(f"no round {given} in --home {home}")


def explanations(connection: duckdb.DuckDBPyConnection, given: str) -> Iterator[Explanation]:
    """Whatever has this id: a round, else what has a teller of its own, else a session."""
    tellers = [tell for prefix, tell in TELLERS.items() if given.startswith(prefix)]
    yield from filter(None, (tell(connection, given) for tell in (rounds.explanation, *tellers, xiaohongshu.explanation)))
