"""What the published marts give reason to tell. Nothing here knows what has been told already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.alerts.alert import Alert, Kind
from orchestration.landing.contract import platform_name
from orchestration.language import _, figure, language
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
    one, several = (
        _("{table}: nothing delivered for dt={first}"),
        _("{table}: nothing delivered for dt={first}, {days} days in all"),
    )
    return [
        Alert(
            _cause(Kind.DELIVERY, platform, table, first),
            Kind.DELIVERY,
            (several if days > 1 else one).format(table=f"{platform}/{table}", first=first, days=days),
        )
        for platform, table, first, days in rows
    ]


def metrics_off_target(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """Targets that are at risk, lost or missed. Another status is another cause: worsening is told again.

    A window that rolls is another one every day: of one that stays off its target each month is told once.
    """
    in_words = _in_words(marts)
    relation = marts.execute(
        "from marts.metric_outlook where status in ('at_risk', 'lost', 'missed') order by platform, metric, shop_id"
    )
    return [
        Alert(
            _cause(Kind.METRIC, row["platform"], row["metric"], row["shop_id"], _when(row), row["status"]),
            Kind.METRIC,
            _metric_text(row, in_words),
        )
        for row in dicts(relation)
    ]


def _metric_text(row: dict[str, Any], in_words: Mapping[tuple[str, str], str]) -> str:
    metric = in_words.get((row["platform"], row["metric"]), row["metric"])
    about = {"subject": f"{platform_name(row['platform'])} {row['shop_id']} {metric}"}
    about |= {name: _amount(row[name], row["unit"]) for name in ("value", "target")}
    period = _period(row)
    about["span"] = _("{span} to {end}").format(span=_(SPANS.get(period, period)), end=row["period_end"])
    if row["status"] == "missed":
        return _("{subject}: {value} in the {span}, target {target} missed").format(**about)
    left = _("on the next day") if _rolls(row) else _("in the {days} days left").format(days=row["days_left"])
    cases = _("{cases} cases expected {left}").format(cases=f"{row['expected_denominator']:,.0f}", left=left)
    if row["needed_numerator"] is not None:
        rest = _("{needed} of {cases} have to succeed").format(needed=f"{row['needed_numerator']:,.0f}", cases=cases)
    else:
        amount = f"{abs(row['allowed_numerator']):,.0f}"
        allowed = amount if row["unit"] == "share" else _("{seconds} s").format(seconds=amount)
        is_over = row["allowed_numerator"] < 0
        rest = (_("{allowed} too many for {cases}") if is_over else _("{allowed} still allowed for {cases}")).format(
            allowed=allowed, cases=cases
        )
    lost = _("cannot be met that day") if _rolls(row) else _("can no longer be met")
    about["state"] = _("at risk") if row["status"] == "at_risk" else lost
    return _("{subject}: {value} so far, target {target} {state} ({span}): {rest}").format(**about, rest=rest)


SPANS = {"week": "week", "rolling_7d": "7 days", "rolling_30d": "30 days", "month": "month", "calendar_month": "month"}


def _in_words(marts: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], str]:
    """Titles of metrics and texts of reasons, by platform and name, for who reads Chinese; in English the names are words."""
    if language() != "zh":
        return {}
    found: dict[tuple[str, str], str] = {}
    for words in (
        "select platform, metric, title_zh from marts.metrics",
        "select platform, reason, text_zh from marts.exclusion_reasons",
    ):
        with suppress(duckdb.CatalogException):  # an older kefu published no such mart
            found |= {(platform, name): text for platform, name, text in marts.execute(words).fetchall()}
    return found


def _period(row: dict[str, Any]) -> str:
    return str(row.get("period", "month"))  # an older kefu published months alone


def _rolls(row: dict[str, Any]) -> bool:
    return _period(row).startswith("rolling")


def _when(row: dict[str, Any]) -> str:
    return f"{row['period_end']:%Y-%m}" if _rolls(row) else str(row["period_end"])


def _amount(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else figure(value, unit)


def dissatisfied_ratings(marts: duckdb.DuckDBPyConnection, now: datetime) -> list[Alert]:
    """The newest ratings that are not satisfied, as the platform's query in ratings/ finds them."""
    alerts = []
    in_words = _in_words(marts)
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
            alerts += [_rating(in_words, platform, *row) for row in rows]
    return alerts


def _rating(
    in_words: Mapping[tuple[str, str], str],
    platform: str,
    what: str,
    shop: str,
    account: str | None,
    rating: str,
    rated_at: datetime,
    exclusion_reasons: list[str],
    editable_until: datetime | None,
) -> Alert:
    until = f"{editable_until:%Y-%m-%d %H:%M}" if editable_until else None
    change = _("; the buyer can change it until {until}").format(until=until) if until else ""
    reasons = ", ".join(in_words.get((platform, reason), reason) for reason in exclusion_reasons)
    exclusion = _("; does not count ({reasons})").format(reasons=reasons) if reasons else ""
    text = _("{platform} {shop} {account}: {what} rated {value} at {at}").format(
        platform=platform_name(platform),
        shop=shop,
        account=account or _("no account"),
        what=_each_word(what),
        value=_each_word(rating),
        at=f"{rated_at:%Y-%m-%d %H:%M}",
    )
    text += f"{change}{exclusion}"
    return Alert(_cause(Kind.RATING, platform, what), Kind.RATING, text)


WORDS = ("card", "session", "eval_code", "stars", "disappointed")  # of what the queries in ratings/ give


def _each_word(text: str) -> str:
    return " ".join(_(word) for word in text.split())


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
            _("{platform} {shop} is in the band {band}: {clicks} of {exposures} prompts clicked ({rate}) in {month}").format(
                platform=platform_name("taobao"),
                shop=shop,
                band=_(band),
                clicks=f"{clicks:,}",
                exposures=f"{exposures:,}",
                rate=f"{rate:.1%}",
                month=f"{month:%Y-%m}",
            )
            + ("" if is_assessed else _(", too few to be assessed so far")),
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
    in_words = _in_words(marts)
    differs = _(
        "{subject}: {differ} of {count} official figures differ; {span}{account}: official {official}, computed {computed}"
    )
    return [
        Alert(
            _cause(Kind.RECONCILIATION, platform, shop, metric, newest["period_end"]),
            Kind.RECONCILIATION,
            differs.format(
                subject=f"{platform_name(platform)} {shop} {in_words.get((platform, metric), metric)}",
                differ=f"{differ:,}",
                count=f"{figures:,}",
                span=_("{span} to {end}").format(span=_(newest["period"]), end=newest["period_end"]),
                account=_(" of {account}").format(account=newest["account_id"]) if newest["account_id"] else "",
                official=_amount(newest["official"], unit),
                computed=_amount(newest["computed"], unit),
            )
            + f"; kefu explain {platform}/{shop}/{newest['period_end']}/{metric}",
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
