"""What the published marts give reason to tell. Nothing here knows what has been told already."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.alerts.alert import Alert, Kind
from orchestration.sql import dicts

RATINGS = Path(__file__).parent / "ratings"  # a query for each platform whose ratings are told
RATING_DAYS = 2  # an older rating is history: the first build of two months would be a flood
DELIVERED_BY = time(6)  # Beijing time at which the day before should be there


def causes(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Every reason there is in the marts, told or not. now: naive Beijing time.

    Marts that an older kefu published may lack a table; what is read from it is told from the next build on.
    """
    tables = {name for (name,) in marts.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()}
    found: list[Alert] = []
    for mart, look in LOOKS.items():
        if mart in tables:
            found += look(marts, now)
    return found


def missing_deliveries(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """The latest days in a row of each table without a delivery, up to yesterday, or before 06:00 the day before."""
    last_expected = now.date() - timedelta(days=1 if now.time() >= DELIVERED_BY else 2)
    rows = marts.execute(
        """
        with days as (
            select platform, table_name, dt, is_delivered from marts.delivery_status where dt <= $last_expected
            union all
            select platform, table_name, unnest(generate_series(newest + 1, $last_expected, interval 1 day))::date, false
            from (select distinct platform, table_name from marts.delivery_status)
            cross join (select max(dt) as newest from marts.delivery_status)
        ),
        gaps as ( -- days of one gap have as many deliveries before them
            select *, count(*) filter (where is_delivered) over (partition by platform, table_name order by dt) as gap
            from days
        )
        select platform, table_name, min(dt), count(*)
        from gaps
        where not is_delivered
        group by platform, table_name, gap
        qualify gap = max(gap) over (partition by platform, table_name)
        order by all
        """,
        {"last_expected": last_expected},
    ).fetchall()
    return [
        Alert(
            _cause(Kind.DELIVERY, platform, table, first),
            Kind.DELIVERY,
            f"{platform}/{table}: nothing delivered for dt={first}{f', {days} days in all' if days > 1 else ''}",
        )
        for platform, table, first, days in rows
    ]


def metrics_off_target(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Targets that are at risk, lost or missed. Another status is another cause: worsening is told again.

    A window that rolls is another one every day: of one that stays off its target each month is told once.
    """
    relation = marts.execute(
        "from marts.metric_outlook where status in ('at_risk', 'lost', 'missed') order by platform, metric, shop_id"
    )
    return [
        Alert(
            _cause(Kind.METRIC, row["platform"], row["metric"], row["shop_id"], _when(row), row["status"]),
            Kind.METRIC,
            _metric_text(row),
        )
        for row in dicts(relation)
    ]


def _metric_text(row: dict[str, Any]) -> str:
    subject = f"{row['platform']} {row['shop_id']} {row['metric']}"
    value, target = (_amount(row[name], row["unit"]) for name in ("value", "target"))
    period = _period(row)
    span = f"{SPANS.get(period, period)} to {row['period_end']}"
    if row["status"] == "missed":
        return f"{subject}: {value} in the {span}, target {target} missed"
    is_share = row["unit"] == "share"
    left = "on the next day" if _rolls(row) else f"in the {row['days_left']} days left"
    cases = f"{row['expected_denominator']:,.0f} cases expected {left}"
    if row["needed_numerator"] is not None:
        rest = f"{row['needed_numerator']:,.0f} of {cases} have to succeed"
    else:
        allowed = f"{abs(row['allowed_numerator']):,.0f}{'' if is_share else ' s'}"
        rest = f"{allowed} too many for {cases}" if row["allowed_numerator"] < 0 else f"{allowed} still allowed for {cases}"
    state = "at risk" if row["status"] == "at_risk" else "cannot be met that day" if _rolls(row) else "can no longer be met"
    return f"{subject}: {value} so far, target {target} {state} ({span}): {rest}"


SPANS = {"week": "week", "rolling_7d": "7 days", "rolling_30d": "30 days", "month": "month", "calendar_month": "month"}


def _period(row: dict[str, Any]) -> str:
    return str(row.get("period", "month"))  # an older kefu published months alone


def _rolls(row: dict[str, Any]) -> bool:
    return _period(row).startswith("rolling")


def _when(row: dict[str, Any]) -> str:
    return f"{row['period_end']:%Y-%m}" if _rolls(row) else str(row["period_end"])


def _amount(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:,.1f} s"


def dissatisfied_ratings(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """The newest ratings that are not satisfied, as the platform's query in ratings/ finds them."""
    alerts = []
    for query in sorted(RATINGS.glob("*.sql")):
        platform = query.stem
        with suppress(duckdb.CatalogException):  # an older kefu published no such mart
            rows = marts.execute(
                f"""
                select * from ({query.read_text(encoding="utf-8")}) where rated_at >= (
                    select max(last_dt) + 1 - {RATING_DAYS} from marts.data_freshness
                    where platform = $platform and not starts_with(table_name, 'official_')
                )
                order by rated_at, what
                """,
                {"platform": platform},
            ).fetchall()
            alerts += [_rating(platform, *row) for row in rows]
    return alerts


def _rating(
    platform: str,
    what: str,
    shop: str,
    account: str | None,
    rating: str,
    rated_at: datetime,
    exclusion_reasons: list[str],
    editable_until: datetime | None,
) -> Alert:
    change = f"; the buyer can change it until {editable_until:%Y-%m-%d %H:%M}" if editable_until else ""
    exclusion = f"; does not count ({', '.join(exclusion_reasons)})" if exclusion_reasons else ""
    text = f"{platform} {shop} {account or 'no account'}: {what} rated {rating} at {rated_at:%Y-%m-%d %H:%M}{change}{exclusion}"
    return Alert(_cause(Kind.RATING, platform, what), Kind.RATING, text)


def rejection_bands(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Shops whose newest month is not healthy. Another band is another cause."""
    rows = marts.execute(
        """
        select shop_id, month, band, click_rate, clicks, exposures, is_assessed
        from marts.taobao_rejection_status
        qualify month = max(month) over (partition by shop_id) and band <> 'healthy'
        order by shop_id
        """
    ).fetchall()
    return [
        Alert(
            _cause(Kind.REJECTION, shop, month, band),
            Kind.REJECTION,
            f"taobao {shop} is in the band {band}: {clicks:,} of {exposures:,} prompts clicked ({rate:.1%}) in {month:%Y-%m}"
            f"{'' if is_assessed else ', too few to be assessed so far'}",
        )
        for shop, month, band, rate, clicks, exposures, is_assessed in rows
    ]


def differing_figures(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Metrics of a shop whose figures are not the platform's own, told by the newest one. A newer one is another cause."""
    rows = marts.execute(
        """
        select
            r.platform, r.shop_id, r.metric, m.unit, count(*) filter (where r.status = 'differs'), count(*),
            max_by(
                {'period_end': r.period_end, 'account_id': r.account_id, 'period': r.period, 'official': r.official_value,
                    'computed': r.computed_value},
                (r.period_end, r.account_id is null, r.period)
            ) filter (where r.status = 'differs')
        from marts.reconciliation r
        join marts.metrics m on r.platform = m.platform and r.metric = m.metric
        group by all
        having count(*) filter (where r.status = 'differs') > 0
        order by all
        """
    ).fetchall()
    return [
        Alert(
            _cause(Kind.RECONCILIATION, platform, shop, metric, newest["period_end"]),
            Kind.RECONCILIATION,
            f"{platform} {shop} {metric}: {differ:,} of {figures:,} official figures differ; {newest['period']} to "
            f"{newest['period_end']}{f' of {account}' if (account := newest['account_id']) else ''}: official "
            f"{_amount(newest['official'], unit)}, computed {_amount(newest['computed'], unit)}; "
            f"kefu explain {platform}/{shop}/{newest['period_end']}/{metric}",
        )
        for platform, shop, metric, unit, differ, figures, newest in rows
    ]


# By the mart that each reads first.
LOOKS: dict[str, Callable[[duckdb.DuckDBPyConnection, datetime], list[Alert]]] = {
    "delivery_status": missing_deliveries,
    "metric_outlook": metrics_off_target,
    "data_freshness": dissatisfied_ratings,
    "taobao_rejection_status": rejection_bands,
    "reconciliation": differing_figures,
}


def _cause(kind: Kind, *parts: str | date) -> str:
    return "/".join([kind, *map(str, parts)])
