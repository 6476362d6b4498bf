"""`kefu simulate`: what it says of other rules is what a build under them says, and nothing published is touched."""

from __future__ import annotations

import csv
import hashlib
import math
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import FIXTURES, Outcome, build_of, copy_project, kefu, other_process, query

from orchestration.home import PROJECT
from orchestration.sql import dicts

pytestmark = pytest.mark.readers

CASE = "case103"
FIGURES = (
    "platform, metric, subject, shop_id, account_id, period, period_start, period_end, value, numerator, denominator, target"
)
HEADER = (
    "platform,metric,subject,shop_id,account_id,period,period_start,period_end,published_value,simulated_value,"
    "published_numerator,simulated_numerator,published_denominator,simulated_denominator,target"
)


@pytest.fixture(scope="module")
def home(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of this file alone: others write into theirs at any time, and every file is looked at here."""
    copy = tmp_path_factory.mktemp("simulate") / "home"
    shutil.copytree(built_homes[CASE], copy, symlinks=True, ignore=lambda folder, names: names if folder.endswith("tmp") else [])
    return copy


def dates(home: Path) -> tuple[date, date]:
    (found,) = query(home, "select min(period_start), max(period_end) from marts.service_metrics where period = 'day'")
    return found


def simulate(home: Path, *options: object) -> Outcome:
    outcome = kefu("simulate", "--home", home, *options)
    assert outcome.code == 0, outcome.err
    return outcome


def written(file: Path, side: str) -> list[tuple[Any, ...]]:
    """The rows of a comparison that has a side, published or simulated, as the mart has them."""
    columns = FIGURES.replace("value, numerator, denominator", f"{side}_value, {side}_numerator, {side}_denominator")
    types = "types = {'shop_id': 'varchar', 'account_id': 'varchar'}"
    return duckdb.sql(f"select {columns} from read_csv('{file}', {types}) where {side}_value is not null order by all").fetchall()


def figures(home: Path, since: date, until: date) -> list[tuple[Any, ...]]:
    within = f"period_start >= '{since}' and period_end <= '{until}'"
    return query(home, f"select {FIGURES} from marts.service_metrics where {within} order by all")


def sums(file: Path) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of each simulated metric over the days of all shops."""
    with open(file, encoding="utf-8") as lines:
        found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for row in csv.DictReader(lines):
            if row["period"] == "day" and row["subject"] == "shop" and row["simulated_value"]:
                found[row["metric"]][0] += float(row["simulated_numerator"])
                found[row["metric"]][1] += float(row["simulated_denominator"])
    return {metric: (numerator, denominator) for metric, (numerator, denominator) in found.items()}


def files_of(home: Path) -> dict[str, str]:
    kept = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def change(file: Path, replace: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    assert replace(text) != text
    file.write_text(replace(text), encoding="utf-8")


def test_other_rules_give_what_a_build_under_them_gives(home: Path, tmp_path: Path) -> None:
    """A target of seconds, a window, a clause that excludes rounds and one that leaves messages out, at once."""
    first, last = dates(home)
    before, file, week = files_of(home), tmp_path / "all.csv", tmp_path / "week.csv"
    changes = ["--set", "response_target_seconds=60", "--set", "kuaishou.window_end=21:00", "--without", "T-20"]
    changes += ["--without", "T-11", "--without", "T-07"]
    said = simulate(home, *changes, "--from", first, "--to", last, "--to", file).out
    assert re.search(r"^taobao .*: \d+\.\d\d% -> \d+\.\d\d% \(of [\d,]+ -> [\d,]+\)", said, re.MULTILINE), said
    assert file.read_text(encoding="utf-8").splitlines()[0] == HEADER
    assert written(file, "published") == figures(home, first, last)

    project, other = copy_project(tmp_path / "project"), tmp_path / "other"
    change(
        project / "seeds" / "rule_parameters.csv",
        lambda text: re.sub(
            r"^(kuaishou,window_end),23:00",
            r"\1,21:00",
            re.sub(r"^(\w+,response_target_seconds),[^,]+", r"\1,60", text, flags=re.MULTILINE),
            flags=re.MULTILINE,
        ),
    )
    change(
        project / "seeds" / "taobao_message_types.csv",
        lambda text: re.sub(r"^(.*,inbound),false(,.*,T-11)$", r"\1,true\2", text, flags=re.MULTILINE),
    )
    exclusions = project / "models" / "judged" / "int_exclusions.sql"
    change(exclusions, lambda text: text.replace("\ngroup by all", "\nwhere r.clause_id not in ('T-20', 'T-07')\ngroup by all"))
    assert build_of(project, FIXTURES / CASE / "landing", other).code == 0
    assert written(file, "simulated") == figures(other, first, last) != figures(home, first, last)

    since, until = date(2025, 10, 6), date(2025, 10, 12)
    assert first < since < until < last
    simulate(home, *changes, "--from", since, "--to", week, "--to", until)
    assert written(week, "simulated") == figures(other, since, until)
    assert {row[5] for row in written(week, "simulated")} >= {"day", "week"}
    assert files_of(home) == before, "nothing published is touched, and nothing is left behind"


def test_a_target_alone_says_who_would_meet_it(home: Path, tmp_path: Path) -> None:
    first, last = dates(home)
    file = tmp_path / "target.csv"
    changes = ["--set", "taobao.response_rate_3min_target=0.1", "--set", "response_rate_3min_min_denominator=1"]
    said = simulate(home, *changes, "--from", first, "--to", last, "--to", file).out
    assert re.search(
        r"^taobao Rounds answered .*, assessed periods that meet the target: 0 -> [1-9]\d* of \d+$", said, re.MULTILINE
    )
    met = {row[-1] for row in written(file, "simulated") if row[1] == "response_rate_3min"}
    assert 0.1 in met and len(met) > 1, "Tmall's is another"


def rounds_of(home: Path) -> list[dict[str, Any]]:
    """Taobao's rounds that a human could have answered."""
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        return dicts(
            connection.execute(
                """
                select * from marts.taobao_rounds
                where not list_has_any(exclusion_reasons, ['non_human_reply', 'not_routed_to_human'])
                order by response_seconds nulls last, round_id
                """
            )
        )


def response_rate(home: Path, seconds: dict[str, float | None]) -> tuple[int, int]:
    """Rounds in time and counted rounds of Taobao, were they answered after so many seconds: T-01, T-03 and T-19 once more."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        blocks = connection.execute(
            "select shop_id, buyer_id, blocked_at, unblocked_at from staging.taobao_buyer_blocks"
        ).fetchall()
    met = counted = 0
    for row in rounds_of(home):
        after = seconds[row["round_id"]]
        due = row["clock_started_at"] + timedelta(seconds=180)
        is_met = after is not None and after <= 180
        is_blocked = any(
            (shop, buyer) == (row["shop_id"], row["buyer_id"]) and since <= due and (until is None or until > due)
            for shop, buyer, since, until in blocks
        )
        if {*row["exclusion_reasons"]} - {"zero_second_reply", "buyer_blocked_shop"} or (after is not None and after < 1):
            continue
        if not (is_blocked and not is_met):
            met, counted = met + is_met, counted + 1
    return met, counted


def test_faster_replies_come_in_time_or_too_soon(home: Path, tmp_path: Path) -> None:
    """The shares of Taobao and Xiaohongshu worked out from the published rounds and sessions."""
    first, last = dates(home)
    file = tmp_path / "faster.csv"
    simulate(home, "--replies-faster-by", "50%", "--from", first, "--to", last, "--to", file)
    seconds = {
        row["round_id"]: None if row["response_seconds"] is None else float(row["response_seconds"]) / 2
        for row in rounds_of(home)
    }
    told = sums(file)
    assert told["response_rate_3min"] == response_rate(home, seconds)
    sessions = """
        select count(*) filter (where first_response_seconds * 0.5 <= 45), count(*)
        from marts.xiaohongshu_sessions where is_counted and in_work_hours
    """
    assert [told["first_response_rate_45s"]] == query(home, sessions)
    assert query(
        home, "select count(*) > 0 from marts.taobao_rounds where is_counted and response_seconds between 181 and 360"
    ) == [(True,)]


def test_covered_hours_are_answered_as_those_around(home: Path, tmp_path: Path) -> None:
    """The rounds of the hours get the seconds of those around, rank by rank; worked out here from the published rounds."""
    first, last = dates(home)
    file = tmp_path / "cover.csv"
    simulate(home, "--cover", "12:00-14:00", "--from", first, "--to", last, "--to", file)
    rounds = rounds_of(home)
    seconds = {row["round_id"]: row["response_seconds"] for row in rounds}
    for shop in {row["shop_id"] for row in rounds}:
        of_shop = [row for row in rounds if row["shop_id"] == shop]
        covered = [row for row in of_shop if row["clock_started_at"].hour in (12, 13)]
        around = [row for row in of_shop if row["clock_started_at"].hour in (11, 14)]
        for rank, row in enumerate(covered if around else []):
            seconds[row["round_id"]] = around[math.ceil((rank + 0.5) * len(around) / len(covered)) - 1]["response_seconds"]
    assert sum(seconds[row["round_id"]] != row["response_seconds"] for row in rounds) > 5
    assert sums(file)["response_rate_3min"] == response_rate(home, seconds)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "name what is to be otherwise: --set, --without, --replies-faster-by or --cover"),
        (["--set", "response_target_second=120"], "is no rule parameter; did you mean response_target_seconds?"),
        (["--set", "kuaishou.streak_limit=4"], "no streak_limit of kuaishou is in force in the range; there is one of taobao"),
        (["--set", "response_target_seconds=2 minutes"], "response_target_seconds=2 minutes is not a number, as 180 is"),
        (["--set", "window_end=25:00"], "window_end=25:00 is not a time such as 23:00, as "),
        (["--set", "response_target_seconds"], "is not PARAMETER=VALUE"),
        (["--without", "T-1000"], "--without T-1000 is no clause; these do: K-01, "),
        (["--without", "T-01"], "--without T-01 excludes nothing that could be counted; these do: K-01, "),
        (["--without", "T-19", "--from", "2019-01-01", "--to", "2019-01-31"], "none from 2019-01-01 to 2019-01-31"),
        (["--without", "T-19", "--from", "2025-10-10", "--to", "2025-10-01"], "--from 2025-10-10 is after 2025-10-01"),
        (["--replies-faster-by", "20"], "'20' is not a share such as 20%"),
        (["--cover", "13:00-12:00"], "'13:00-12:00' is not hours of a day such as 12:00-13:00"),
        (["--without", "T-19", "--to", "a.csv", "--to", "b.csv"], "--to names the last date, and one file: once each"),
        (["--without", "T-19", "--to", "figures.xlsx"], "figures.xlsx is not a date YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(options: list[str], says: str, home: Path) -> None:
    before = files_of(home)
    outcome = kefu("simulate", "--home", home, *options)
    assert outcome.code
    assert says in outcome.err
    assert files_of(home) == before


def test_it_reads_the_log_of_a_killed_writer_while_others_read(home: Path, tmp_path: Path) -> None:
    killed = tmp_path / "home"
    shutil.copytree(home, killed, symlinks=True)
    file = killed / "warehouse.duckdb"
    renamed = "update marts.rule_parameters set parameter = 'of_the_log' where parameter = 'streak_limit'"
    write = "import duckdb, os, sys; killed = duckdb.connect(sys.argv[1]); killed.execute(sys.argv[2]); os._exit(0)"
    subprocess.run([sys.executable, "-c", write, str(file), renamed], check=True)
    assert (killed / "warehouse.duckdb.wal").exists()
    with other_process("import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True)", file):
        outcome = kefu("simulate", "--home", killed, "--set", "of_the_logs=4")
    assert "of_the_logs is no rule parameter; did you mean of_the_log?" in outcome.err, outcome.err


def test_what_the_document_shows(home: Path) -> None:
    """Its lines are of the form that is printed."""
    document = (PROJECT / "docs" / "simulate.md").read_text(encoding="utf-8")
    shown = document.split("    simulated beside published, ")[1].split("\n\n")[0].splitlines()
    line = re.compile(
        r"    \w+ \S.*: \S+( s)? -> \S+( s)? \(of [\d,]+ -> [\d,]+\)(, assessed periods that meet the target: \d+ -> \d+ of \d+)?"
    )
    verdict = re.compile(r"    \w+ \S+, \d{4}-\d\d, \w+: \w+ -> \w+")
    assert len(shown) > 3
    assert [text for text in shown[1:] if not line.fullmatch(text) and not verdict.fullmatch(text)] == []
    said = simulate(home, "--set", "response_target_seconds=60", "--from", dates(home)[0]).out.splitlines()
    assert [text for text in said[1:] if not line.fullmatch(f"    {text}") and not verdict.fullmatch(f"    {text}")] == []
