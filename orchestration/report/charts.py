"""The pictures of a report: SVG, drawn by Vega-Lite, so that the file needs no script."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert

from orchestration.landing.contract import platform_name
from orchestration.language import _
from orchestration.report.table import Table, heading

GOOD, BAD, OTHER = "#2a7f62", "#c0392b", "#b8c4ce"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FONT = "Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif"


def charts(table: Table) -> list[str]:
    """The pictures of a table as SVG; none of a table that is only read."""
    rows = table.dicts()
    draw = {"days": _days, "reasons": _reasons, "hours": _hours}.get(table.key)
    return [_svg(chart) for chart in draw(rows)] if draw and rows else []


def _svg(chart: Any) -> str:
    svg = vl_convert.vegalite_to_svg(chart.configure(font=FONT).configure_view(stroke=None).to_dict())
    return svg.replace(' width="', ' data-width="', 1).replace(' height="', ' data-height="', 1)  # as wide as the page


def _groups(rows: list[dict[str, Any]], *columns: str) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def _days(rows: list[dict[str, Any]]) -> list[Any]:
    """A line for each metric, with its target."""
    drawn = []
    for (platform, metric, unit), days in _groups(rows, "platform", "metric", "unit").items():
        values = [{"day": str(row["day"]), "value": row["value"], "target": row["target"]} for row in days]
        axis = alt.Axis(format=".0%" if unit == "share" else ".0f", title=None)
        x = alt.X("day:T", axis=alt.Axis(format="%m-%d", title=None, tickCount=6))
        base = alt.Chart(alt.InlineData(values=values)).encode(x=x)
        scale = alt.Scale(zero=False)
        line = base.mark_line(color=GOOD, point=alt.OverlayMarkDef(color=GOOD)).encode(y=alt.Y("value:Q", axis=axis, scale=scale))
        target = base.mark_line(color=BAD, strokeDash=[4, 3]).encode(y=alt.Y("target:Q", axis=axis, scale=scale))
        drawn.append((line + target).properties(width=330, height=130, title=f"{platform_name(platform)} · {metric}"))
    return drawn


def _reasons(rows: list[dict[str, Any]]) -> list[Any]:
    """From all rounds by way of each reason down to those that count, for each platform."""
    drawn = []
    for (platform,), reasons in _groups(rows, "platform").items():
        total = left = sum(row["rounds"] for row in reasons)
        counted, *others = reasons if reasons[0]["clause"] is None else [{"reason": _("counted"), "rounds": 0}, *reasons]
        steps = [{"what": _("all"), "from": 0, "to": total, "color": OTHER}]
        for row in others:
            steps.append({"what": row["reason"], "from": left - row["rounds"], "to": left, "color": BAD})
            left -= row["rounds"]
        steps.append({"what": counted["reason"], "from": 0, "to": counted["rounds"], "color": GOOD})
        y = alt.Y("what:N", sort=None, axis=alt.Axis(title=None, labelLimit=330))
        chart = alt.Chart(alt.InlineData(steps)).mark_bar().encode(
            x=alt.X("from:Q", axis=alt.Axis(title=heading("rounds"))), x2="to:Q", y=y, color=alt.Color("color:N", scale=None)
        )  # fmt: skip
        drawn.append(chart.properties(width=420, height=alt.Step(18), title=platform_name(platform)))
    return drawn


def _hours(rows: list[dict[str, Any]]) -> list[Any]:
    """The share of late rounds by weekday and hour, for each platform."""
    drawn = []
    for (platform,), hours in _groups(rows, "platform").items():
        values = [{"weekday": _(WEEKDAYS[row["weekday"] - 1]), "hour": row["hour"], "share": row["share_late"]} for row in hours]
        legend = alt.Legend(title=heading("share_late"), format=".0%")
        chart = alt.Chart(alt.InlineData(values)).mark_rect().encode(
            x=alt.X("hour:O", axis=alt.Axis(title=heading("hour"), labelAngle=0), scale=alt.Scale(domain=list(range(24)))),
            y=alt.Y("weekday:N", sort=[_(day) for day in WEEKDAYS], axis=alt.Axis(title=None)),
            color=alt.Color("share:Q", scale=alt.Scale(scheme="orangered"), legend=legend),
        )  # fmt: skip
        drawn.append(chart.properties(width=alt.Step(20), height=alt.Step(20), title=platform_name(platform)))
    return drawn
