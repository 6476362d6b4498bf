"""The questions of analyses/, and the page with their answers on the demo. `make questions` writes it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

FOLDER = Path(__file__).resolve().parents[1] / "analyses"
PAGE = FOLDER / "README.md"
SHOWN_ROWS = 5
BEGINNING = """# Twenty questions

What people ask of the marts, each as one file of SQL for `kefu.duckdb`, with the first rows of the demo's answer.
[Reading the marts](../docs/connecting.md) says with what to ask.

`make questions` writes this page anew.
"""


@dataclass(frozen=True)
class Question:
    name: str
    english: str
    chinese: str
    sql: str


def questions() -> Sequence[Question]:
    """The questions, by the names of their files."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        english, chinese, sql = path.read_text(encoding="utf-8").split("\n", 2)
        found.append(Question(path.stem, english.removeprefix("-- "), chinese.removeprefix("-- "), sql))
    return found


def answer(connection: duckdb.DuckDBPyConnection, question: Question) -> duckdb.DuckDBPyConnection:
    """The rows that answer a question."""
    return connection.execute(question.sql)


def page(home: Path) -> str:
    """The page with each question and the first rows of its answer on a home."""
    parts = [BEGINNING]
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        for question in questions():
            result = answer(connection, question)
            columns = [column for column, *_ in result.description or ()]
            rows = result.fetchall()
            parts.append(f"\n## {question.english}\n\n{question.chinese} [{question.name}.sql]({question.name}.sql)\n")
            if rows:
                parts.append("\n" + "\n".join(map(_line, [columns, ["---"] * len(columns), *rows[:SHOWN_ROWS]])) + "\n")
            if len(rows) > SHOWN_ROWS:
                parts.append(f"\nand {len(rows) - SHOWN_ROWS:,} more\n")
            if not rows:
                parts.append("\nNothing on the demo.\n")
    return "".join(parts)


def _line(values: Sequence[Any]) -> str:
    return f"| {' | '.join(map(_shown, values))} |"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    PAGE.write_text(page(parser.parse_args().home), encoding="utf-8")


if __name__ == "__main__":
    main()
