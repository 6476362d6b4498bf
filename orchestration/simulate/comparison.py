"""How simulated figures compare with those that are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.checks import LastRun
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, written_aside
from orchestration.landing.contract import platform_name
from orchestration.language import _, figure, language
from orchestration.sql import dicts, name, text

COMPARISON = Path(__file__).with_name("comparison.sql")
NOT_WRITTEN = ("was_met", "is_met", "is_assessment_period")  # of its columns: only the summary needs them
USUAL_DAYS = 30
VERDICTS = ("grade", "is_passed")  # columns of marts of a shop and month that say what the platform makes of the figures
Report = Callable[[str], None]


def last_days(home: Home, since: date | None, until: date | None) -> tuple[date, date]:
    """A range that figures are published for; KefuError where there are none."""
    with _published(home) as connection:
        found = connection.execute(
            "select min(period_start), max(period_end) from published.marts.service_metrics where period = 'day'"
        ).fetchall()
        first, last = found[0]
    if first is None:
        raise KefuError("the marts have no figures yet")
    until = until or last
    since = since or until - timedelta(days=USUAL_DAYS - 1)
    if since > until:
        raise KefuError(f"--from {since} is after {until}")
    if since > last or until < first:
        raise KefuError(f"the marts have figures from {first} to {last}, none from {since} to {until}")
    return since, until


def marts_of_months(home: Home) -> Sequence[str]:
    """The marts that say what platforms make of the figures of months."""
    with _published(home) as connection:
        return sorted(_verdicts(connection))


def compare(home: Home, copy: Home, since: date, until: date, to: Path | None, report: Report) -> None:
    """Reports what a simulation changes, and writes each figure to a file of comma-separated values."""
    with _published(home) as connection:
        connection.execute(f"attach {text(copy.warehouse)} as warehouse (read_only); use warehouse")  # as its views call it
        connection.execute(COMPARISON.read_text(encoding="utf-8"), {"since": since, "until": until})
        for line in [*_summary(connection, since, until), *_verdict_lines(connection, LastRun(home), since, until)]:
            report(line)
        if to is not None:
            try:
                with written_aside(to) as aside:
                    left_out = ", ".join(NOT_WRITTEN)
                    rows = f"select * exclude ({left_out}) from compared order by all"
                    connection.execute(f"copy ({rows}) to {text(aside)} (format csv, header)")
            except (OSError, duckdb.IOException) as error:
                raise KefuError(f"{to} cannot be written: {first_line(error)}") from error
            ((written,),) = connection.execute("select count(*) from compared").fetchall()
            report(_("wrote {count} figures to {file}").format(count=f"{written:,}", file=to))


def _published(home: Home) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"attach {text(home.published.resolve())} as published (read_only)")
    is_there = "select exists (from duckdb_tables() where database_name = 'published' and table_name = 'service_metrics')"
    if not connection.execute(is_there).fetchall()[0][0]:
        raise KefuError(f"{home.path} has published a selection without service_metrics: build without --select first")
    return connection


def _summary(connection: duckdb.DuckDBPyConnection, since: date, until: date) -> Sequence[str]:
    figures = dicts(
        connection.execute(
            f"""
            select
                c.platform,
                m.title_{language()} as title,
                m.unit,
                sum(published_numerator) filter (where is_day) / sum(published_denominator) filter (where is_day) as published,
                sum(simulated_numerator) filter (where is_day) / sum(simulated_denominator) filter (where is_day) as simulated,
                coalesce(sum(published_denominator) filter (where is_day), 0) as published_count,
                coalesce(sum(simulated_denominator) filter (where is_day), 0) as simulated_count,
                count(*) filter (where is_assessment_period and coalesce(was_met, is_met) is not null) as assessed,
                count(*) filter (where is_assessment_period and was_met) as was_met,
                count(*) filter (where is_assessment_period and is_met) as is_met
            from (select *, period = 'day' as is_day from compared where subject = 'shop') c
            join published.marts.metrics m on c.platform = m.platform and c.metric = m.metric
            group by c.platform, c.metric, title, m.unit, m.clause_id
            order by c.platform, m.clause_id, c.metric
            """
        )
    )
    heading = _("simulated beside published, {since} to {until}, all shops:").format(since=since, until=until)
    changed = [line for row in figures if (line := _line(row))]
    return [heading, *(changed or [_("no figure changes")])]


def _line(row: dict[str, Any]) -> str | None:
    """A metric's line, where it changes: the figure, of how many, and how many assessed periods meet the target."""
    values = [row["published"], row["simulated"]]
    counts = [f"{row[key]:,.0f}" for key in ("published_count", "simulated_count")]
    met = [row["was_met"], row["is_met"]]
    if values[0] == values[1] and counts[0] == counts[1] and met[0] == met[1]:
        return None
    shown = [_("none") if value is None else figure(value, row["unit"]) for value in values]
    line = _("{platform} {metric}: {before} -> {after} (of {count_before} -> {count_after})").format(
        platform=platform_name(row["platform"]),
        metric=row["title"],
        before=shown[0],
        after=shown[1],
        count_before=counts[0],
        count_after=counts[1],
    )
    if row["assessed"]:
        line += _(", assessed periods that meet the target: {before} -> {after} of {all}").format(
            before=met[0], after=met[1], all=row["assessed"]
        )
    return line


def _verdicts(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The column that is a verdict on a shop's month, by mart."""
    columns = ", ".join(map(text, VERDICTS))
    found = connection.execute(
        f"""
        select table_name, any_value(column_name) filter (where column_name in ({columns}))
        from duckdb_columns()
        where database_name = 'published' and schema_name = 'marts'
        group by table_name
        having count(*) filter (where column_name in ('shop_id', 'month')) = 2
            and count(*) filter (where column_name in ({columns})) = 1
        """
    )
    return dict(found.fetchall())


def _verdict(value: str | None) -> str:
    words = {"gold": _("gold"), "silver": _("silver"), "black": _("black"), "true": _("passed"), "false": _("not passed")}
    return words.get(value or "", _("none"))


def _verdict_lines(connection: duckdb.DuckDBPyConnection, last_run: LastRun, since: date, until: date) -> Sequence[str]:
    """What becomes another of the months within the range."""
    lines, platform_of = [], last_run.platforms_of_marts()
    for mart, column in sorted(_verdicts(connection).items()):
        relation = name(mart)
        changed = connection.execute(
            f"""
            select shop_id, month, p.{name(column)}::varchar, s.{name(column)}::varchar
            from published.marts.{relation} p
            full join marts.{relation} s using (shop_id, month)
            where p.{name(column)} is distinct from s.{name(column)} and month >= $since and last_day(month) <= $until
            order by all
            """,
            {"since": since, "until": until},
        )
        lines += [
            _("{platform} {shop}, {month}, {what}: {before} -> {after}").format(
                platform=platform_name(platform_of[mart]),
                shop=shop,
                month=f"{month:%Y-%m}",
                what={"grade": _("grade"), "is_passed": _("assessment")}[column],
                before=_verdict(before),
                after=_verdict(after),
            )
            for shop, month, before, after in changed.fetchall()
        ]
    return lines
