"""What a moment knows: the rows up to it, the models over them, and HOME/live.duckdb with what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb

from orchestration.build.publish import STORAGE_VERSION, Versions, create_table, hidden_columns
from orchestration.home import Home
from orchestration.landing.contract import contract
from orchestration.live.known import known
from orchestration.live.standing import DATES, Standing
from orchestration.live.steps import LIVE, Steps
from orchestration.privacy.buyers import buyer_key, is_hidden, with_hashed
from orchestration.sql import dicts, name, text

TOLD = {  # what people are told, by short names
    "rounds": "live_named_rounds",
    "ratings": "live_named_ratings",
    "metrics": "live_named_metrics",
    "warnings": "live_last_warnings",
}


def look_up_to_the_moment(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives models the rows of schema raw as the moment knows them."""
    for table in contract().values():
        connection.execute(f"create or replace view staging.{table.relation} as {known(table, f'raw.{table.relation}')}")


def look_at(connection: duckdb.DuckDBPyConnection, steps: Steps, at: datetime, standing: Standing) -> None:
    """Runs the models for a moment, Beijing time."""
    connection.execute(f"set variable live_at = timestamp {text(at)}")
    for_dates = steps.needed_by(DATES)
    for step in for_dates:
        step.run(connection)
    standing.begin(connection, at)
    for step in steps.steps:
        if not step.is_fixed and step not in for_dates:
            standing.run(connection, steps, step)
    standing.looked(connection, at)


def publish(connection: duckdb.DuckDBPyConnection, home: Home, steps: Steps) -> None:
    """Writes what the models say aside as the next version of HOME/live.duckdb and points the link at it."""
    versions, key = Versions(home.live, home.versions), buyer_key()
    aside = versions.aside(versions.last() + 1)
    connection.execute(
        f"""
        attach {text(aside)} as target (storage_version {text(STORAGE_VERSION)});
        create schema target.{LIVE};
        """
    )
    try:
        for table in steps.tables:
            hidden, relation = hidden_columns(table), f"{LIVE}.{name(table['name'])}"
            create_table(connection, f"target.{relation}", table)
            connection.execute(
                f"insert into target.{relation} by name select {with_hashed(hidden)} from {relation}",
                key.parameters if key and hidden else None,
            )
    finally:
        connection.execute("detach target")
    versions.swap_in(aside)


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of a query over what people are told, such as {rounds}, with ids as readers see them."""
    key, relations = buyer_key(), {}
    for short, model in TOLD.items():
        if f"{{{short}}}" not in query:
            continue
        columns = [column for column, *_ in connection.execute(f"describe live_steps.{model}").fetchall()] if key else []
        hidden = [column for column in columns if is_hidden(column)]
        relations[short] = f"(select {with_hashed(hidden)} from live_steps.{model})"
    asked = query.format(**relations)
    return dicts(connection.execute(asked, key.parameters if key and "$inner" in asked else None))
