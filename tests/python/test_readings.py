"""The pages for users tell every reading of the rules, and no other: docs/readings.md and, in Chinese, docs/readings.zh.md."""

from __future__ import annotations

import csv
import re

import pytest

from orchestration.home import PROJECT

TITLES = {"readings.md": "title_en", "readings.zh.md": "title_zh"}  # the pages, and the titles they give
POINTS = 4  # what is left open, what is read, what else could be, what that would change


def clauses_with_a_reading() -> list[dict[str, str]]:
    with (PROJECT / "seeds" / "rule_clauses.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if "Reading:" in row["reading"]]


def page(name: str) -> str:
    return (PROJECT / "docs" / name).read_text(encoding="utf-8")


def sections(name: str) -> list[tuple[str, str, str]]:
    """Of each clause's section: id, title, and what stands below it up to the next heading."""
    return re.findall(r"^### ([A-Z]-\d\d) (.+)\n((?:(?!#).*\n)*)", page(name), re.MULTILINE)


@pytest.mark.parametrize("name", TITLES)
def test_every_reading_has_its_place(name: str) -> None:
    """In the order of the seed, which is thus that of both pages."""
    expected = [(row["clause_id"], row[TITLES[name]]) for row in clauses_with_a_reading()]
    assert expected
    assert [(clause, title) for clause, title, _ in sections(name)] == expected


@pytest.mark.parametrize("name", TITLES)
def test_no_clause_is_named_that_has_no_reading(name: str) -> None:
    named = set(re.findall(r"(?<![A-Za-z0-9])[A-Z]-\d\d(?!\d)", page(name)))
    assert named - {row["clause_id"] for row in clauses_with_a_reading()} == set()


@pytest.mark.parametrize("name", TITLES)
def test_a_reading_is_told_with_what_else_it_could_be(name: str) -> None:
    assert [clause for clause, _, text in sections(name) if len(re.findall(r"^- .", text, re.MULTILINE)) != POINTS] == []


def test_both_pages_have_the_same_order() -> None:
    english, chinese = ([clause for clause, _, _ in sections(name)] for name in TITLES)
    assert english == chinese
