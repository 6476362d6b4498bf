"""`kefu report`: what people without SQL read is what the marts say, in Chinese and in English, from one file alone."""

from __future__ import annotations

import ast
import html
import re
from datetime import date
from pathlib import Path

import pytest
from harness import kefu, query, words_of_dashboards
from openpyxl import load_workbook
from playwright.sync_api import sync_playwright

from orchestration.alerts.alert import Kind
from orchestration.alerts.causes import SPANS, WORDS
from orchestration.home import PROJECT
from orchestration.landing.template import HEADINGS
from orchestration.language import chinese
from orchestration.report import ORDER, TABLES
from orchestration.report.charts import WEEKDAYS
from orchestration.report.table import heading

pytestmark = pytest.mark.readers

STATUSES = ["met", "at_risk", "lost", "missed", "not_assessed", "match", "differs", "missing_computed", "missing_official"]
TITLES = [(TABLES / f"{key}.sql").read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ") for key in ORDER]
PERIOD = "2025-10-01..2025-10-07"
DAYS = "period = 'day' and subject = 'shop' and period_end between '2025-10-01' and '2025-10-07'"


@pytest.fixture(scope="module")
def home(built_homes: dict[str, Path]) -> Path:
    return built_homes["case103"]


def report(home: Path, to: Path, *more: object) -> Path:
    outcome = kefu("report", "--home", home, "--to", to, "--period", PERIOD, *more)
    assert outcome.code == 0, outcome.err
    return to


def rows_of(page: Path, key: str) -> list[list[str]]:
    """The rows of a table of the page, as text."""
    section = page.read_text(encoding="utf-8").split(f'<h2 id="{key}">')[1].split("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows[1:]]


def test_the_figures_are_those_of_the_marts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "en")
    told = rows_of(report(home, tmp_path / "report.html"), "figures")
    wanted = query(
        home,
        f"""
        select platform, shop_id, m.title_en, sum(numerator), sum(denominator)
        from marts.service_metrics d join marts.metrics m using (platform, metric) where {DAYS} and denominator > 0
        group by all
        """,
    )
    names = dict(query(home, "select platform || shop_id, coalesce(shop_name, shop_id) from marts.shops"))
    figures = {(platform, shop, metric): (value, counted) for platform, shop, metric, value, *_, counted, _clause in told}
    assert len(figures) == len(wanted) > 20
    for platform, shop, metric, numerator, denominator in wanted:
        value, counted = figures[platform, names[platform + shop], metric]
        shown = f"{numerator / denominator:,.1f} s" if value.endswith(" s") else f"{numerator / denominator:.2%}"
        assert value == shown
        assert counted == f"{denominator:,.0f}"


def test_the_reasons_add_up_to_all_rounds(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    told = rows_of(report(home, tmp_path / "report.html", "--platform", "taobao"), "reasons")
    in_week = "platform = 'taobao' and business_date between '2025-10-01' and '2025-10-07'"
    ((every, counted),) = query(home, f"select count(*), count(*) filter (where is_counted) from marts.rounds where {in_week}")
    assert {row[0] for row in told} == {"淘宝"}
    assert sum(int(row[3].replace(",", "")) for row in told) == every
    assert told[0][1:] == ["计入", "", f"{counted:,}", f"{counted / every:.2%}"]


def test_a_workbook_has_every_table_with_numbers_as_numbers(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    ((shop, *_),) = query(home, f"select shop_id from marts.service_metrics where platform = 'kuaishou' and {DAYS} limit 1")
    book = load_workbook(report(home, tmp_path / "report.xlsx", "--platform", "kuaishou", "--shop", shop))
    assert book.sheetnames == [chinese()[title] for title in TITLES]
    days = [row for row in book["每日走势"].iter_rows(min_row=2, values_only=True) if row[1] == "人工客服3分钟回复率（人维度）"]
    wanted = query(
        home,
        f"""
        select period_end, value, numerator, denominator from marts.service_metrics
        where platform = 'kuaishou' and shop_id = '{shop}' and metric = 'human_reply_rate_3min' and {DAYS} order by all
        """,
    )
    assert [(day.date(), value, numerator, denominator) for _, _, day, value, _, numerator, denominator in days] == wanted
    assert wanted


def test_the_page_needs_nothing_but_itself(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    page = report(home, tmp_path / "report.html")
    requests, errors = [], []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"]) as browser,
    ):
        opened = browser.new_page(viewport={"width": 390, "height": 800})
        opened.on("request", lambda request: requests.append(request.url))
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(page.as_uri())
        assert opened.locator("h1").inner_text() == "客服服务报告"
        assert opened.locator("section").count() == len(ORDER)
        assert opened.locator("figure svg").count() > 10
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it fits a phone's width"
    assert requests == [page.as_uri()]
    assert not errors


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--to", "report.pdf"], "--to report.pdf: a report is a file .html or .xlsx"),
        (["--to", "report.html", "--shop", "nobody"], "--shop nobody: the marts know "),
        (["--to", "report.html", "--period", "2019-01"], "no figures from 2019-01-01 to 2019-01-31"),
        (["--to", "report.html", "--period", "2025-10-07..2025-10-01"], "2025-10-01 is before 2025-10-07"),
        (["--to", "report.html", "--period", "October"], "October is not YYYY-MM, YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD"),
        (["--to", "nowhere/report.html", "--period", "2025-10"], "nowhere/report.html cannot be written"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    options: list[str], says: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = kefu("report", "--home", home, *options)
    assert outcome.code
    assert says in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_home_without_marts_says_so(tmp_path: Path) -> None:
    outcome = kefu("report", "--home", tmp_path, "--to", tmp_path / "report.html")
    assert outcome.code == 1
    assert "has published nothing: build first" in outcome.err


def texts_of_the_code() -> set[str]:
    """What stands in _(...) in Python, and in the page of a report."""
    found = set(re.findall(r"_\('(.*?)'\)", (PROJECT / "orchestration/report/page.html").read_text(encoding="utf-8")))
    for path in (PROJECT / "orchestration").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return found


def test_everything_has_its_chinese_and_nothing_is_left_over(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "en")
    book = load_workbook(report(home, tmp_path / "report.xlsx"))
    headings = {str(cell.value) for sheet in book for cell in sheet[1]}
    words = {
        *HEADINGS,
        *WORDS,
        *SPANS.values(),
        *STATUSES,
        *WEEKDAYS,
        *map(str, Kind),
        *book.sheetnames,
        heading("share_late"),
        heading("hour"),
        heading("rounds"),
    }
    assert texts_of_the_code() | headings | {*TITLES} | words - set(book.sheetnames) | words_of_dashboards(home) == set(chinese())


def test_a_month_is_all_its_days(home: Path, tmp_path: Path) -> None:
    outcome = kefu("report", "--home", home, "--to", tmp_path / "report.html", "--period", "2025-10")
    assert outcome.code == 0, outcome.err
    assert f"{date(2025, 10, 1)} – {date(2025, 10, 31)}" in outcome.out
