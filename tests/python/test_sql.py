"""SQL text and names are quoted in one place, so that no path and no id breaks a query."""

from __future__ import annotations

import ast
from pathlib import Path

import people
from harness import build, kefu, query

from orchestration.home import PROJECT


def test_nothing_but_sql_py_puts_quotes_around_a_value() -> None:
    by_hand = []
    for path in sorted((PROJECT / "orchestration").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                by_hand += [f"{path}:{value.lineno}" for value in quoted(node.values)]
            elif isinstance(node, ast.Constant) and node.value == "''" and path.name != "sql.py":
                by_hand.append(f"{path}:{node.lineno}")
    assert by_hand == []


def quoted(parts: list[ast.expr]) -> list[ast.expr]:
    """Of an f-string, the values with a quote before or after them; a value's genitive is none."""
    texts = [part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "" for part in parts]
    return [
        part
        for part, before, after in zip(parts, ["", *texts], [*texts[1:], ""], strict=False)
        if isinstance(part, ast.FormattedValue) and (before.endswith("'") or after.removeprefix("'s").startswith("'"))
    ]


def test_home_and_landing_may_have_a_quote_in_their_paths(tmp_path: Path) -> None:
    people.write(tmp_path / "landing")
    landing, home = tmp_path / "o'brien" / "landing", tmp_path / "o'brien" / 'home "1"'
    landing.parent.mkdir()
    (tmp_path / "landing").rename(landing)
    build(landing, home)
    ((round_id,),) = query(home, f"select max(round_id) from marts.taobao_rounds where buyer_id = '{people.BERT}'")
    assert round_id in kefu("explain", round_id, "--home", home).out
    forgotten = kefu("forget", "--buyer", people.ANNA, "--landing", landing, "--home", home)
    assert forgotten.code == 0, forgotten.err
    assert "nothing to do" in build(landing, home).out
