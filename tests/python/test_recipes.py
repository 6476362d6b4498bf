"""The recipes of CONTRIBUTING.md for a clause, a metric and a period: their examples are put in as they stand, and built."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest
from harness import FIXTURES, build_of, copy_project, query, warehouse

from orchestration.home import PROJECT

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DAYS = ("2022-02-03", "2022-02-04")
TABLES = ("accounts", "messages", "reception_events", "shops")


def snippets(recipe: str, language: str) -> list[str]:
    """The code blocks of a recipe, without the indentation of the list that they stand in."""
    section = re.split(r"^## ", TEXT.partition(f"\n## {recipe}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [dedent(code).strip() for code in re.findall(rf"^ *```{language}\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)]


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text + "\n", encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name}: {old!r} stands there {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which somebody followed the three recipes."""
    copy = copy_project(tmp_path_factory.mktemp("recipes") / "project")
    seeds, models = copy / "seeds", copy / "models"

    clause, reason = snippets("A clause", "csv")
    (step,) = snippets("A clause", "sql")
    (story,) = snippets("A clause", "yaml")
    append(seeds / "rule_clauses.csv", clause)
    append(seeds / "exclusion_reasons.csv", reason)
    exclusions = models / "judged" / "taobao" / "int_taobao__exclusions.sql"
    replace(exclusions, ")\n{% set reasons", f"),\n\n{step}\n{{% set reasons")
    replace(exclusions, "'round': [", "'round': ['work_orders', ")
    (models / "judged" / "taobao" / "_recipe__unit_tests.yml").write_text(
        f"version: 2\n\nunit_tests:\n{indent(story, '  ')}\n", encoding="utf-8"
    )

    metric, table = snippets("A metric", "csv")
    (step,) = snippets("A metric", "sql")
    append(seeds / "metrics.csv", metric)
    append(seeds / "metric_tables.csv", table)
    scores = models / "metrics" / "taobao" / "int_taobao__round_scores.sql"
    replace(
        scores,
        "\n)\n\nselect *, {{ empty_list() }} as remarks",
        "\n),\n\n" + step + "\n\nselect *, {{ empty_list() }} as remarks",
    )
    append(scores, "union all\nselect *, {{ empty_list() }} from answered")

    (periods,) = snippets("A period", "csv")
    append(seeds / "metric_periods.csv", periods)
    return copy


@pytest.fixture(scope="module")
def home(project: Path) -> Path:
    """Built by that copy from two days of Taobao."""
    landing, home = project.parent / "landing", project.parent / "home"
    for table in TABLES:
        for delivery in (FIXTURES / "case101" / "landing" / "taobao" / table).glob("dt=*"):
            if delivery.name.removeprefix("dt=") <= DAYS[-1] or table in ("accounts", "shops"):
                shutil.copytree(delivery, landing / "taobao" / table / delivery.name)
    outcome = build_of(project, landing, home)
    assert outcome.code == 0, outcome.err
    return home


def test_a_clause(project: Path, home: Path) -> None:
    opened_by = "staging.taobao_messages m on r.first_message_id = m.message_id"
    excluded = warehouse(
        home,
        f"""
        select count(*), count(*) filter (where list_contains(r.exclusion_reasons, 'opened_by_work_order') and not r.is_counted)
        from marts.taobao_rounds r join {opened_by} where m.message_type = 'work_order'
        """,
    )
    others = f"select count(*) from marts.taobao_rounds r join {opened_by} where m.message_type <> 'work_order'"
    ((rounds, gone),) = excluded
    assert rounds == gone > 0
    assert warehouse(home, f"{others} and list_contains(r.exclusion_reasons, 'opened_by_work_order')") == [(0,)]
    assert warehouse(home, "select distinct clause_id from judged.int_exclusions where reason = 'opened_by_work_order'") == [
        ("T-44",)
    ]


def test_its_unit_test_runs(project: Path, home: Path) -> None:
    code = f"""
from pathlib import Path
from orchestration.build.dbt import run_dbt
from orchestration.home import open_home
run_dbt(open_home(Path({str(home)!r})), ["test", "--select", "T_44_a_round_that_a_work_order_opens_does_not_count"], report=print)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={"PYTHONPATH": str(project)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    results = (home / "dbt" / "run_results.json").read_text(encoding="utf-8")
    assert '"unit_test.kefu.int_taobao__exclusions.T_44' in results


def test_a_metric(home: Path) -> None:
    counted = "select count(*) filter (where first_reply_at is not null), count(*) from marts.taobao_rounds where is_counted"
    of_days = """
        select sum(numerator), sum(denominator) from marts.service_metrics
        where metric = 'answered_rate' and subject = 'shop' and period = 'day'
    """
    assert query(home, of_days) == query(home, counted)
    periods = query(home, "select distinct period from marts.service_metrics where metric = 'answered_rate'")
    assert {period for (period,) in periods} == {"day", "rolling_7d", "rolling_30d", "week", "month", "calendar_month"}


def test_a_period(home: Path) -> None:
    weeks = query(
        home,
        """
        select period_start, period_end, sum(denominator) from marts.service_metrics
        where period = 'week' and metric = 'response_rate_3min' and subject = 'shop' group by all
        """,
    )
    days = query(
        home,
        "select sum(denominator) from marts.service_metrics "
        "where period = 'day' and metric = 'response_rate_3min' and subject = 'shop'",
    )
    assert [(str(start), str(end)) for start, end, _ in weeks] == [("2022-01-31", "2022-02-06")]
    assert [(rounds,) for *_, rounds in weeks] == days
