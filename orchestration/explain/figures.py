"""A figure of a shop and a day told in words: its parts, what did not count, what speaks against it, what data it lacks."""

from __future__ import annotations

from datetime import date

import duckdb

from orchestration.errors import KefuError
from orchestration.explain import reconciliation
from orchestration.explain.tables import PLACE, header, rows
from orchestration.explain.text import Explanation, Row, said

METRIC = "select * from marts.metrics where platform = $platform and metric = $metric"
FIGURES = """
select * from metrics.int_metric_values
where platform = $platform and metric = $metric and shop_id = $shop_id and period_end = $day
order by subject desc, period, account_id
"""
NOT_COUNTED = """
select r.clause_id, r.text_en, r.text_zh, count(*) as things
from {relation} j
join marts.exclusion_reasons r on r.platform = $platform and j.exclusion_reasons[1] = r.reason
where j.platform = $platform and j.shop_id = $shop_id and j.business_date = $day and not j.is_counted
group by all order by things desc, r.clause_id
"""
AGAINST = """
select {id} as id from {relation}
where platform = $platform and shop_id = $shop_id and business_date = $day and is_counted and {against} order by id
"""
LACKING = """
select table_name, effect_en, effect_zh from metrics.int_metric_coverage
where platform = $platform and metric = $metric and not is_delivered order by table_name
"""

ROUNDS = "judged.int_judged_rounds", "round_id"
RATINGS = "(select '{0}' as platform, * from judged.int_{0}__judged_ratings)", "'{0}-card-' || card_id"
SESSIONS = (
    "(select 'xiaohongshu' as platform, * from judged.int_xiaohongshu__session_edges)",
    "'xiaohongshu-' || session_id",
)
# What was judged for a metric, the full id of each, and which of those that count speak against the figure. A metric without an
# entry is told without them.
THINGS = {
    ("taobao", "response_rate_3min"): (*ROUNDS, "not is_on_time"),
    ("taobao", "avg_response_seconds"): (*ROUNDS, "not is_on_time"),
    ("taobao", "satisfaction_rate"): (*RATINGS, "not is_satisfied"),
    ("kuaishou", "human_reply_rate_3min"): (*ROUNDS, "not is_on_time"),
    ("kuaishou", "human_reply_rate_3min_sessions"): (*ROUNDS, "not is_on_time"),
    ("kuaishou", "positive_rating_rate"): (*RATINGS, "not is_satisfied"),
    ("kuaishou", "negative_rating_rate"): (*RATINGS, "level = 'disappointed'"),
    ("xiaohongshu", "first_response_rate_45s"): (*SESSIONS, "in_work_hours and not is_on_time"),
    ("xiaohongshu", "reply_rate_24h"): (*SESSIONS, "not is_replied_24h"),
    ("xiaohongshu", "reply_rate_3min"): (*SESSIONS, "in_reply_window and not is_replied_3min"),
    ("xiaohongshu", "satisfaction_rate"): (*SESSIONS, "not is_satisfied"),
    ("xiaohongshu", "dissatisfaction_rate"): (*SESSIONS, "not is_satisfied"),
}
SHOWN = 20  # ids that speak against a figure


def figure(connection: duckdb.DuckDBPyConnection, given: str) -> Explanation | None:
    """The explanation of PLATFORM/SHOP/YYYY-MM-DD/METRIC; None where that was not given, KefuError where none is known."""
    asked = parts(given)
    if asked is None:
        return None
    platform, shop_id, day, name = asked
    of_metric, of_day = {"platform": platform, "metric": name}, {"platform": platform, "shop_id": shop_id, "day": day}
    metric = next(iter(rows(connection, METRIC, **of_metric)), None)
    if metric is None:
        metrics = connection.execute("select metric from marts.metrics where platform = ? order by all", [platform]).fetchall()
        known = f"its metrics are {', '.join(name for (name,) in metrics)}" if metrics else "there is no such platform"
        raise KefuError(f"{given}: {platform} has no metric {name}: {known}")
    values = rows(connection, FIGURES, **of_metric | of_day)
    compared = reconciliation.compared(connection, metric, of_metric | of_day)
    if not values and not compared:
        raise KefuError(f"{given}: there is no such figure: of that shop and day nothing counts, or nothing has landed")
    not_counted = speaks = []
    if things := THINGS.get((platform, name)):
        relation, identifier, against = (sql.format(platform) for sql in things)
        not_counted = rows(connection, NOT_COUNTED.format(relation=relation), **of_day)
        speaks = rows(connection, AGAINST.format(relation=relation, id=identifier, against=against), **of_day)
    lacking = rows(connection, LACKING, **of_metric)
    place = rows(connection, PLACE, platform=platform, shop_id=shop_id, account_id=None)[0]
    sections = [
        ("Shop 店铺", [told(value, metric) for value in values if value["subject"] == "shop"]),
        *compared,
        ("Accounts 客服账号", [told(value, metric) for value in values if value["account_id"] and value["period"] == "day"]),
        ("Not counted 不计入考核", [f"{row['things']:,}: {said(row, 'text')} ({row['clause_id']})" for row in not_counted]),
        ("Against it 未达标", against_it(speaks)),
        ("Not landed 缺少数据", [f"{row['table_name']}: {said(row, 'effect')}" for row in lacking]),
    ]
    return Explanation(
        title=f"Figure 指标 {given}",
        header=header(
            metric | place | {"shop_id": shop_id, "business_date": day},
            ("metric 指标", f"{said(metric, 'title')} ({metric['clause_id']})"),
        ),
        day=day,
        entries=[],
        verdict=[part for part in sections if part[1]],
    )


def parts(given: str) -> tuple[str, str, date, str] | None:
    """Platform, shop, day and metric of what is written so; a shop's id may hold slashes."""
    platform, _, rest = given.partition("/")
    try:
        shop_id, day, metric = rest.rsplit("/", 2)
        return platform, shop_id, date.fromisoformat(day), metric
    except ValueError:
        return None


def told(value: Row, metric: Row) -> str:
    """A figure with its parts, held against the target."""
    whose = f"{value['account_id']}: " if value["account_id"] else f"{value['period']}: "
    if metric["unit"] == "share":
        of_what = f"{value['numerator']:g} of {value['denominator']:g} = {value['value']:.2%}"
        target = value["target"] is not None and f"{value['target']:.2%}"
    else:
        of_what = f"{value['value']:,.3f} s, the mean of {value['denominator']:g}"
        target = value["target"] is not None and f"{value['target']:g} s"
    if not target:
        return f"{whose}{of_what}; there is no target"
    if value["is_met"] is None:
        return f"{whose}{of_what}; target 目标 {target}, not assessed: too few"
    return f"{whose}{of_what}; target 目标 {target}, {'met 达标' if value['is_met'] else 'not met 未达标'}"


def against_it(things: list[Row]) -> list[str]:
    shown = [f"kefu explain {row['id']}" for row in things[:SHOWN]]
    return [*shown, *([f"and {len(things) - SHOWN} more"] if len(things) > SHOWN else [])]
