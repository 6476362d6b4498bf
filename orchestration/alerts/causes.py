"""What the published marts give reason to tell. Nothing here knows what has been told already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb

from orchestration.alerts.alert import Alert, Kind
from orchestration.sql import text

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
    """Targets that are at risk, lost or missed. Another status is another cause: worsening is told again."""
    relation = marts.execute(
        "from marts.metric_outlook where status in ('at_risk', 'lost', 'missed') order by platform, metric, shop_id, month"
    )
    return [
        Alert(
            _cause(Kind.METRIC, row["platform"], row["metric"], row["shop_id"], row["month"], row["status"]),
            Kind.METRIC,
            _metric_text(row),
        )
        for row in _dicts(relation)
    ]


def _metric_text(row: dict[str, Any]) -> str:
    subject = f"{row['platform']} {row['shop_id']} {row['metric']}"
    value, target = (_amount(row[name], row["unit"]) for name in ("value", "target"))
    if row["status"] == "missed":
        return f"{subject}: {value} in the month to {row['period_end']}, target {target} missed"
    is_rate = row["unit"] == "rate"
    cases = f"{row['expected_denominator']:,.0f} cases expected in the {row['days_left']} days left"
    if row["needed_numerator"] is not None:
        rest = f"{row['needed_numerator']:,.0f} of {cases} have to succeed"
    else:
        allowed = f"{abs(row['allowed_numerator']):,.0f}{'' if is_rate else ' s'}"
        rest = f"{allowed} too many for {cases}" if row["allowed_numerator"] < 0 else f"{allowed} still allowed for {cases}"
    state = "at risk" if row["status"] == "at_risk" else "can no longer be met"
    return f"{subject}: {value} so far, target {target} {state} (month to {row['period_end']}): {rest}"


def _amount(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "rate" else f"{value:,.1f} s"


def taobao_ratings(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Ratings that stand as not satisfied, dated by the last change that took effect."""
    rows = marts.execute(
        f"""
        with changes as (
            select card_id, max(changed_at) as changed_at from marts.rating_changes where is_effective group by card_id
        )
        select
            r.card_id, r.shop_id, r.account_id, r.eval_code, coalesce(h.changed_at, c.first_rated_at) as rated_at,
            case when c.is_editable then c.editable_until end, r.exclusion_reasons
        from marts.taobao_ratings r
        left join changes h on r.card_id = h.card_id
        left join marts.taobao_rating_recoveries c on r.card_id = c.card_id
        where not r.is_satisfied and rated_at >= {_newest("taobao")}
        order by rated_at, r.card_id
        """
    ).fetchall()
    return [
        _rating("taobao", shop, account, f"card {card}", f"eval_code {code}", rated_at, reasons, until)
        for card, shop, account, code, rated_at, until, reasons in rows
    ]


def kuaishou_ratings(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Ratings that are not satisfied, dated by their card: the mart has no other time."""
    rows = marts.execute(
        f"""
        select card_id, shop_id, agent_id, level, sent_at, exclusion_reasons from marts.kuaishou_ratings
        where not is_satisfied and sent_at >= {_newest("kuaishou")}
        order by sent_at, card_id
        """
    ).fetchall()
    return [
        _rating("kuaishou", shop, agent, f"card {card}", level, sent_at, reasons)
        for card, shop, agent, level, sent_at, reasons in rows
    ]


def xiaohongshu_ratings(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Sessions with fewer stars than count as satisfied (X-07), dated by their end, or their beginning where they have none."""
    rows = marts.execute(
        f"""
        select s.session_id, s.shop_id, s.account_id, s.stars, coalesce(s.ended_at, s.entered_at) as rated_at,
            case when s.is_counted then [] else s.exclusion_reasons end
        from marts.xiaohongshu_sessions s
        join marts.rule_parameters p
            on p.scope = 'xiaohongshu' and p.parameter = 'satisfied_min_stars'
            and s.business_date >= coalesce(p.valid_from, s.business_date)
            and s.business_date <= coalesce(p.valid_to, s.business_date)
        where s.stars < p.value::integer and rated_at >= {_newest("xiaohongshu")}
        order by rated_at, s.session_id
        """
    ).fetchall()
    return [
        _rating("xiaohongshu", shop, account, f"session {session}", f"{stars} stars", rated_at, reasons)
        for session, shop, account, stars, rated_at, reasons in rows
    ]


def _newest(platform: str) -> str:
    """SQL: the time from which on a rating of the platform is news."""
    return f"(select max(last_dt) + 1 - {RATING_DAYS} from marts.data_freshness where platform = {text(platform)})"


def _rating(
    platform: str,
    shop: str,
    account: str | None,
    what: str,
    value: str,
    rated_at: datetime,
    exclusion_reasons: list[str],
    editable_until: datetime | None = None,
) -> Alert:
    change = f"; the buyer can change it until {editable_until:%Y-%m-%d %H:%M}" if editable_until else ""
    exclusion = f"; does not count ({', '.join(exclusion_reasons)})" if exclusion_reasons else ""
    told = f"{platform} {shop} {account or 'no account'}: {what} rated {value} at {rated_at:%Y-%m-%d %H:%M}{change}{exclusion}"
    return Alert(_cause(Kind.RATING, platform, what), Kind.RATING, told)


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


# By the mart that each reads first.
LOOKS: dict[str, Callable[[duckdb.DuckDBPyConnection, datetime], list[Alert]]] = {
    "delivery_status": missing_deliveries,
    "metric_outlook": metrics_off_target,
    "taobao_ratings": taobao_ratings,
    "kuaishou_ratings": kuaishou_ratings,
    "xiaohongshu_sessions": xiaohongshu_ratings,
    "taobao_rejection_status": rejection_bands,
}


def _cause(kind: Kind, *parts: str | date) -> str:
    return "/".join([kind, *map(str, parts)])


def _dicts(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
