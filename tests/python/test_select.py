"""`kefu build --select` builds and publishes in a new home only some marts; a plain build there does the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import FIXTURES, build, kefu, marts

pytestmark = pytest.mark.increments

LANDING = FIXTURES / "case103" / "landing"


def test_a_selection_is_published_as_a_whole_build_has_it_and_a_plain_build_does_the_rest(
    built_homes: dict[str, Path], tmp_path: Path
) -> None:
    home, whole = tmp_path / "home", marts(built_homes["case103"])
    told = build(LANDING, home, "--select", "taobao_rounds,service_metrics").out
    assert "of its marts only taobao_rounds, service_metrics: a build without --select does the rest" in told
    assert marts(home) == {mart: whole[mart] for mart in ("taobao_rounds", "service_metrics")}

    build(LANDING, home, "--select", "reception_daily")  # nothing whole is published: another selection takes its place
    assert marts(home) == {"reception_daily": whole["reception_daily"]}

    build(LANDING, home)
    assert marts(home) == whole

    refused = kefu("build", "--landing", LANDING, "--home", home, "--select", "rounds")
    assert refused.code == 1
    assert f"--select is for a new home, and {home} holds every mart" in refused.err
    assert marts(home) == whole


def test_what_is_no_mart_or_no_list_of_marts_is_said_before_anything_lands(tmp_path: Path) -> None:
    def refused(*options: str) -> str:
        outcome = kefu("build", "--landing", LANDING, "--home", tmp_path / "home", *options)
        assert outcome.code in (1, 2)
        assert not (tmp_path / "home" / "kefu.duckdb").exists()
        assert "landed" not in outcome.out
        return outcome.err

    assert "--select service_metric is no mart; did you mean service_metrics?" in refused("--select", "service_metric")
    assert "--select int_rounds is no mart" in refused("--select", "rounds,int_rounds")
    assert "'rounds,' is not a list of marts such as rounds,service_metrics" in refused("--select", "rounds,")
    assert "--select builds every date: leave out --start and --end" in refused(
        "--select", "rounds", "--start", "2025-10-01", "--end", "2025-10-02"
    )
