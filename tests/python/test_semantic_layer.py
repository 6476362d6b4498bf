"""`mf query`: the measures of the semantic layer give the figures of service_metrics."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import copy_project, query

pytestmark = pytest.mark.readers

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def mf_query(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Rows]:
    """Asks as docs/connecting.md says, in a copy of the project: dbt writes to its folder."""
    project = copy_project(tmp_path_factory.mktemp("semantic") / "project")
    environment = os.environ | {"KEFU_HOME": str(built_homes["case103"])}
    programs = Path(sys.executable).parent

    def run(*command: str) -> None:
        done = subprocess.run([programs / command[0], *command[1:]], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(metrics: str, by: str) -> Rows:
        run("mf", "query", "--metrics", metrics, "--group-by", by, "--csv", "rows.csv")
        with open(project / "rows.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    run("dbt", "parse", "--profiles-dir", ".")
    return ask


@pytest.mark.parametrize("subject", ["shop", "account"])
def test_it_gives_the_figures_of_each_day(subject: str, mf_query: Callable[..., Rows], built_homes: dict[str, Path]) -> None:
    keys = ["platform", "metric", "shop_id", *(["account_id"] if subject == "account" else [])]
    by = ",".join(["metric_time__day", *(f"figure__{key}" for key in keys)])
    found = mf_query(f"{subject}_value,{subject}_denominator", by)
    told = sorted(
        (
            *(row[f"figure__{key}"] for key in keys),
            row["metric_time__day"][:10],
            float(row[f"{subject}_denominator"]),
            pytest.approx(float(row[f"{subject}_value"])),
        )
        for row in found
    )
    figures = query(
        built_homes["case103"],
        f"""
        select {", ".join(keys)}, period_end::varchar, denominator, value
        from marts.service_metrics where period = 'day' and subject = '{subject}'
        """,
    )
    assert told == sorted(figures)
    assert len(told) > 100


def test_it_gives_sums_over_sums_of_longer_times(mf_query: Callable[..., Rows], built_homes: dict[str, Path]) -> None:
    found = mf_query("shop_value", "figure__platform,figure__metric,metric_time__month")
    told = sorted(
        (row["figure__platform"], row["figure__metric"], row["metric_time__month"][:7], row["shop_value"]) for row in found
    )
    figures = query(
        built_homes["case103"],
        """
        select platform, metric, strftime(period_end, '%Y-%m'), sum(numerator) / sum(denominator)
        from marts.service_metrics where period = 'day' and subject = 'shop' group by all order by all
        """,
    )
    assert [(*row[:3], pytest.approx(float(row[3]))) for row in told] == figures
    assert len(figures) > 20
