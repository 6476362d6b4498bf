"""The README says what is there."""

from __future__ import annotations

import re
from pathlib import Path

from harness import kefu, query
from orchestration.graph import README, current_graph, with_graph

from orchestration.home import PROJECT

TEXT = README.read_text(encoding="utf-8")


def test_the_picture_is_drawn_from_the_project() -> None:
    assert with_graph(TEXT, current_graph()) == TEXT, "run `make graph`"


def test_every_mart_is_in_the_table_of_marts(built_homes: dict[str, Path]) -> None:
    marts = {name for (name,) in query(built_homes["case101"], "select table_name from duckdb_tables()")}
    named = set(re.findall(r"`(\w+)`", TEXT[TEXT.index("## The marts") : TEXT.index("## Where each rule lives")]))
    assert marts <= named


def test_links_and_make_targets_exist() -> None:
    targets = re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`?make (\w+)`?", TEXT)) <= set(targets)
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (PROJECT / link).exists(), link


def test_the_figures_of_the_real_chats(built_homes: dict[str, Path]) -> None:
    rows = query(
        built_homes["irc-support"],
        """
        select metric, period_start, period_end, numerator, denominator, value
        from marts.service_metrics where platform = 'taobao' and subject = 'shop' and period = 'month'
        """,
    )
    for metric, start, end, numerator, denominator, value in rows:
        shown = f"{value:.1%}".replace("%", " %") if metric == "response_rate_3min" else f"{value:.1f} s"
        assert f"| {metric} | {start} to {end} | {numerator:,.0f} | {denominator:,.0f} | {shown} |" in TEXT


def test_every_command_has_help() -> None:
    for command in ("build", "generate", "explain", "forget", "backup", "restore"):
        outcome = kefu(command, "--help")
        assert outcome.code == 0
        assert f"kefu {command}" in TEXT
        assert "usage: kefu" in outcome.out
