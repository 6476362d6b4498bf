"""An operator in a real browser, against a real `dagster dev`: backfills of 30 days and of two months, their checks and figures.

KEFU_SCREENSHOTS names a folder for pictures of it: `make screenshots` renews those of the README.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from faults.dagster_dev import Dagster, dagster_dev
from harness import kefu, query
from playwright.sync_api import Page, expect, sync_playwright

from orchestration.home import open_home
from orchestration.runs.partitions import COMPLETE
from orchestration.sample.demo import run

pytestmark = pytest.mark.readers

SECONDS = 1000  # playwright counts in milliseconds
RUN_TIMEOUT = 300 * SECONDS


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    """`dagster dev` on a home of September and October, built as that of `make demo` is."""
    folder = tmp_path_factory.mktemp("browser")
    landing, home = folder / "landing", folder / "home"
    generated = kefu(
        "generate", "--landing", landing, "--days", 61, "--shops", 1, "--agents", 2, "--messages-per-day", 100, "--format", "csv"
    )
    assert generated.code == 0, generated.err
    (landing / COMPLETE).touch()
    run(open_home(home), landing, date(2025, 10, 31))
    with dagster_dev(landing, home) as running:
        yield running


@pytest.fixture
def page(dagster: Dagster) -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "this test needs Chromium: `make browser` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page(
            viewport={"width": 1500, "height": 1000}, base_url=f"http://127.0.0.1:{dagster.port}", timezone_id="Asia/Shanghai"
        )
        opened.set_default_timeout(60 * SECONDS)
        expect.set_options(timeout=30 * SECONDS)
        yield opened
        browser.close()


def backfill(page: Page, asset: str, first: str, last: str, *, number: int, picture: Path | None = None) -> None:
    """What one clicks for it, on the asset's page, until so many runs have succeeded."""
    page.goto(f"/assets/marts/{asset}")
    page.get_by_role("button", name="Materialize").first.click()
    dialog, launch = page.get_by_role("dialog"), page.get_by_role("button", name="Launch backfill")
    partitions = dialog.get_by_role("textbox").first
    partitions.fill(f"[{first}...{last}]")
    partitions.press("Enter")
    expect(dialog.get_by_text("Backfills all partitions in a single run.")).to_be_visible()
    if picture:
        page.screenshot(path=picture)
    assert "upstream" not in dialog.inner_text().lower(), "no warning: what it is made of is there"
    launch.click()
    expect(dialog).to_be_hidden()
    page.goto("/runs")
    expect(page.get_by_text("Success", exact=True)).to_have_count(number, timeout=RUN_TIMEOUT)


def test_the_report_of_the_sample(dagster: Dagster, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    outcome = kefu("report", "--home", dagster.home, "--to", tmp_path / "report.html", "--platform", "taobao")
    assert outcome.code == 0, outcome.err
    page.goto((tmp_path / "report.html").as_uri())
    page.set_viewport_size({"width": 1100, "height": 1700})
    expect(page.get_by_text("每日走势").last).to_be_visible()
    page.screenshot(path=Path(os.environ.get("KEFU_SCREENSHOTS", tmp_path)) / "report.png")


def test_backfills_of_days_and_of_months(dagster: Dagster, page: Page, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("KEFU_SCREENSHOTS", tmp_path))
    version = (dagster.home / "kefu.duckdb").resolve()

    for asset, count in (("marts/taobao_rounds", 62), ("marts/metrics", 62), ("marts/xiaohongshu_assessments", 2)):
        page.goto(f"/assets/{asset}?view=partitions")
        expect(page.get_by_text(f"Materialized ({count})")).to_be_visible()
        expect(page.get_by_text("Missing (0)")).to_be_visible()
        if asset == "marts/taobao_rounds":
            page.screenshot(path=pictures / "dagster.png")
    page.goto("/timeline")
    expect(page.get_by_text("daily_build").first).to_be_visible()

    backfill(page, "service_metrics", "2025-09-01", "2025-09-30", number=2, picture=pictures / "backfill.png")
    assert (dagster.home / "kefu.duckdb").resolve() != version, "it is published"

    page.goto("/assets/marts/service_metrics?view=partitions&partition=2025-09-29")
    expect(page.get_by_text("business_date").first).to_be_visible()
    cells = page.get_by_role("table").filter(has_text="response_rate_3min").last.get_by_role("cell")
    assert {text for text in cells.all_inner_texts() if text.startswith("2025-")} == {"2025-09-29"}, "its own figures"

    page.goto("/assets/marts/service_metrics?view=partitions&partition=2025-09-30")
    expect(page.get_by_text("Materialized (62)")).to_be_visible()
    metadata = page.get_by_role("table").filter(has_text="response_rate_3min").last
    expect(metadata).to_be_visible()
    (rate,) = query(
        dagster.home,
        """
        select round(sum(numerator) / sum(denominator), 4)::varchar from marts.service_metrics
        where metric = 'response_rate_3min' and subject = 'shop' and period = 'day' and period_end = '2025-09-30'
        """,
    )[0]
    expect(metadata.get_by_role("row").filter(has_text="response_rate_3min")).to_contain_text(rate.rstrip("0"))
    expect(page.get_by_text("dagster/row_count")).to_be_visible()
    expect(page.get_by_text("rows_of_dates_built")).to_be_visible()
    page.screenshot(path=pictures / "partition.png")
    page.get_by_text("Show Markdown").click()
    plot = page.get_by_role("dialog").get_by_alt_text("response rate")
    expect(plot).to_be_visible()
    assert plot.evaluate("image => image.naturalWidth") > 300, "the picture is drawn"
    page.screenshot(path=pictures / "plot.png")

    page.goto("/assets/marts/service_metrics?view=checks")
    expect(page.get_by_text("Passed").first).to_be_visible()
    page.screenshot(path=pictures / "checks.png")
    page.get_by_text("Partitions", exact=True).last.click()
    expect(page.get_by_text("2025-09-30").first).to_be_visible()

    backfill(page, "xiaohongshu_assessments", "2025-09-01", "2025-10-01", number=3)
    page.goto("/assets/marts/xiaohongshu_assessments?view=partitions")
    expect(page.get_by_text("Materialized (2)")).to_be_visible()
    page.screenshot(path=pictures / "months.png")
