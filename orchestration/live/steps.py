"""The models for a moment: their SQL as dbt compiles it, in the order in which they run, kept while the project is the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from orchestration.build.state import project_fingerprint
from orchestration.build.steps import OF_MOMENTS
from orchestration.home import Home, written_aside
from orchestration.sql import name

# What a build asks for, the moment asks for differently; the other models of the folder build serve nothing else.
IN_PLACE_OF = {"as_of": "live_as_of", "build_dates": "live_build_dates", "build_pairs": "live_build_pairs"}
KINDS = """
    select schema_name, table_name, 'table' from duckdb_tables() union all
    select schema_name, view_name, 'view' from duckdb_views()
"""
LIVE = "live"  # the folder of the models of the moment, and the schema of those that readers get


@dataclass(frozen=True)
class Step:
    """A model: the relation that it makes, and how."""

    schema: str
    name: str
    sql: str
    is_view: bool
    is_fixed: bool  # rules, which no moment changes
    reads: Sequence[str]  # names of models
    stands_by: str | None  # the column of the id by which its rows stand from moment to moment, where nothing happened

    @property
    def relation(self) -> str:
        return f"{name(self.schema)}.{name(self.name)}"

    @property
    def kind(self) -> str:
        return "view" if self.is_view else "table"

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"create or replace {self.kind} {self.relation} as {self.sql}")


@dataclass(frozen=True)
class Steps:
    """The models in their order, and what the project says of the tables that readers get."""

    steps: Sequence[Step]
    tables: Sequence[dict[str, Any]]

    def read_by(self, step: Step) -> Sequence[Step]:
        """The steps that a step reads, itself or by way of others, in their order."""
        return self._and_what_they_read({*step.reads})

    def needed_by(self, query: str) -> Sequence[Step]:
        """The steps whose relations a query names, with what they read, in their order, but for those that are fixed."""
        named = {step.name for step in self.steps if f"{step.schema}.{step.name}" in query}
        return [step for step in self._and_what_they_read(named) if not step.is_fixed]

    def _and_what_they_read(self, names: set[str]) -> Sequence[Step]:
        for step in reversed(self.steps):
            if step.name in names:
                names |= {*step.reads}
        return [step for step in self.steps if step.name in names]


def load(home: Home, *, anew: bool) -> Steps:
    """Reads the steps that a home keeps, or has dbt make them. Seeds and rules come with that into the home's warehouse, which is
    `anew` where it holds nothing yet.
    """
    kept = home.dbt / f"live-{project_fingerprint()}.json"
    if anew or not kept.exists():
        made = _make(home)
        for old in home.dbt.glob("live-*.json"):
            old.unlink()
        content = json.dumps({"steps": [asdict(step) for step in made.steps], "tables": made.tables})
        with written_aside(kept) as aside:
            aside.write_text(content, encoding="utf-8")
        return made
    read = json.loads(kept.read_text(encoding="utf-8"))
    return Steps([Step(**step) for step in read["steps"]], read["tables"])


def _make(home: Home) -> Steps:
    from orchestration.build.dbt import compiled  # dbt takes three seconds to import

    nodes = compiled(home, f"+{OF_MOMENTS}")
    by_name = {node["name"]: node for node in nodes}
    steps = list(_in_order(by_name))
    with home.connect() as connection:
        for schema in sorted({step.schema for step in steps}):
            connection.execute(f"create schema if not exists {name(schema)}")
        kinds = {(schema, relation): kind for schema, relation, kind in connection.execute(KINDS).fetchall()}
        for step in steps:
            if kinds.get((step.schema, step.name), step.kind) != step.kind:  # of another version of the project
                connection.execute(f"drop {kinds[step.schema, step.name]} {step.relation}")
            if step.is_fixed:
                step.run(connection)
    return Steps(steps, [_described(node) for node in nodes if node["schema"] == LIVE])


def _in_order(nodes: dict[str, dict[str, Any]]) -> Sequence[Step]:
    """The models of the moment and what they need, each after what it reads."""
    done: dict[str, Step] = {}

    def add(node: dict[str, Any]) -> None:
        if node["name"] in done:
            return
        other = IN_PLACE_OF.get(node["name"])
        reads = [other] if other else [_name(key) for key in node["depends_on"]]
        for read in reads:
            if read in nodes:
                add(nodes[read])
        sql = f"select * from {nodes[other]['relation_name']}" if other else node["compiled_code"]
        done[node["name"]] = Step(
            schema=node["schema"],
            name=node["alias"],
            sql=sql,
            is_view=other is not None or (node["materialized"] == "view" and not node["meta"].get("stands_by")),
            is_fixed=other is None and all(_is_fixed(key, done) for key in node["depends_on"]),
            reads=reads,
            stands_by=node["meta"].get("stands_by"),
        )

    for node in nodes.values():
        if node["folder"] == LIVE:
            add(node)
    return list(done.values())


def _name(key: str) -> str:
    return key.split(".")[-1]


def _is_fixed(key: str, done: dict[str, Step]) -> bool:
    return key.startswith("seed.") or (_name(key) in done and done[_name(key)].is_fixed)


def _described(node: dict[str, Any]) -> dict[str, Any]:
    return {"name": node["alias"], "description": node["description"], "columns": node["columns"]}
