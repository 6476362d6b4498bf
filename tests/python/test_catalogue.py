"""`kefu docs`: one page with every table and clause, each clause linked from the columns it shapes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from harness import kefu
from playwright.sync_api import Page, expect, sync_playwright

from orchestration.home import PROJECT

pytestmark = pytest.mark.readers


@pytest.fixture(scope="module")
def page_file(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("catalogue") / "catalogue.html"
    outcome = kefu("docs", "--home", built_homes["case103"], "--to", to)
    assert outcome.code == 0, outcome.err
    return to


def clauses() -> list[dict[str, str]]:
    with open(PROJECT / "seeds" / "rule_clauses.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_clause_is_linked_from_each_column_it_shapes(page_file: Path) -> None:
    page = page_file.read_text(encoding="utf-8")
    for clause in clauses():
        link = f"](#!/exposure/exposure.kefu.{clause['clause_id'].replace('-', '_')})"
        assert page.count(link) == len(clause["shapes"].split()) > 0, clause["clause_id"]
    assert str(PROJECT) not in page


def test_one_walks_from_a_column_to_its_clause_and_on(page_file: Path) -> None:
    outside: set[str] = set()
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page: Page = browser.new_page()
        page.on("request", lambda request: outside.add(request.url) if re.match("https?:", request.url) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{page_file.as_uri()}#!/model/model.kefu.taobao_rounds")
        page.get_by_text("is_on_time", exact=True).first.click()
        page.get_by_role("link", name="T-27 未回复即转接").first.click()
        expect(page.get_by_text("Hand-over without a reply")).to_be_visible()
        page.get_by_role("link", name="int_rounds", exact=True).first.click()
        expect(page.get_by_role("heading", name="int_rounds")).to_be_visible()
        browser.close()
    assert (outside, errors) == (set(), [])


@pytest.mark.parametrize(("to", "says"), [("page.pdf", "the catalogue is a file .html"), ("none/page.html", "cannot be written")])
def test_what_cannot_be_written_is_one_line(to: str, says: str, built_homes: dict[str, Path], tmp_path: Path) -> None:
    outcome = kefu("docs", "--home", built_homes["case103"], "--to", tmp_path / to)
    assert outcome.code == 1
    assert says in outcome.err
    assert not list(tmp_path.iterdir())
