"""The Taobao and Tmall 3-minute rules (T-01 to T-28), their metrics, and a plain reader of landing folders."""

from __future__ import annotations

import calendar
import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from reference.rounds import Item, Round, RoundRules, find_rounds

Row = dict[str, Any]
Tables = dict[str, list[Row]]

BEIJING = timezone(timedelta(hours=8))
QUESTION_TYPES = frozenset(["text", "image", "video", "audio", "emoji", "link", "product_card", "order_card", "work_order"])
EVENT_KINDS: dict[str, Literal["H", "N"]] = {"assigned": "H", "bot_started": "N", "pooled": "N"}
REASONS = (
    "buyer_blocked_shop",
    "not_routed_to_human",
    "own_account",
    "non_human_reply",
    "outside_window",
    "ad_account",
    "other_merchant",
    "platform_operator",
    "platform_employee",
    "account_disabled",
    "cheating",
    "zero_second_reply",
    "abusive",
    "shop_closed",
)


# ---------------------------------------------------------------- parameters


def _as_date(value: Any) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


class Parameters:
    """The rule parameters; both ends of a validity are inclusive, an empty end is open."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, str], list[tuple[date, date, str]]] = defaultdict(list)
        for row in rows:
            first = _as_date(row.get("valid_from")) or date.min
            last = _as_date(row.get("valid_to")) or date.max
            self._rows[row["scope"], row["parameter"]].append((first, last, str(row["value"])))

    def text(self, scope: str, parameter: str, day: date) -> str | None:
        values = [value for first, last, value in self._rows[scope, parameter] if first <= day <= last]
        if len(values) > 1:
            raise ValueError(f"{scope} {parameter}: {len(values)} versions on {day}")
        return values[0] if values else None

    def number(self, scope: str, parameter: str, day: date) -> float | None:
        text = self.text(scope, parameter, day)
        return None if text is None else float(text)

    def required(self, scope: str, parameter: str, day: date) -> float:
        number = self.number(scope, parameter, day)
        if number is None:
            raise ValueError(f"{scope} {parameter}: nothing in force on {day}")
        return number

    def seconds(self, scope: str, parameter: str, day: date) -> float:
        """A time of day (`HH:MM`, `24:00` allowed) in seconds after midnight."""
        text = self.text(scope, parameter, day)
        if text is None:
            raise ValueError(f"{scope} {parameter}: nothing in force on {day}")
        hours, minutes = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60

    def round_rules(self, scope: str, day: date) -> RoundRules:
        round_scope: Literal["account", "conversation"] = "account"
        if self.text(scope, "round_scope", day) == "conversation":
            round_scope = "conversation"
        return RoundRules(
            window_start_s=self.seconds(scope, "window_start", day),
            window_end_s=self.seconds(scope, "window_end", day),
            scope=round_scope,
            lookback_days=self.required(scope, "routing_lookback_days", day),
            horizon_hours=self.required(scope, "reply_horizon_hours", day),
        )


def rounds_by_version(items: list[Item], parameters: Parameters, scope: str) -> list[Round]:
    """Each business date under the rules of that date; items outside it are read with the same rules."""
    found: list[Round] = []
    known: dict[RoundRules, list[Round]] = {}
    for day in sorted({item.item_at.date() for item in items}):
        rules = parameters.round_rules(scope, day)
        if rules not in known:
            known[rules] = find_rounds(items, rules)
        found += [one for one in known[rules] if one.business_date == day]
    return found


# ---------------------------------------------------------------- rounds


def marketplaces(shops: Iterable[Row]) -> dict[str, str]:
    """Scope of the rules per shop; a shop that is not in it follows `tmall`."""
    return {row["shop_id"]: row["marketplace"] for row in shops}


def _message_item(row: Row, recalled: set[str]) -> Item | None:
    kind: Literal["Q", "R", "B"]
    if row["message_type"] not in QUESTION_TYPES:
        return None  # what asks nothing answers nobody either (T-06)
    if row["direction"] == "inbound":
        if row["author_kind"] != "consumer" and row["message_type"] != "work_order":
            return None
        if row["message_id"] in recalled:
            return None
        kind, rank = "Q", 1
    elif row["author_kind"] in ("agent", "assist_bot"):
        kind, rank = "R", 2
    elif row["author_kind"] == "auto_bot":
        kind, rank = "B", 2
    else:
        return None
    return Item(row["conversation_id"], row.get("account_id"), row["sent_at"], rank, row["message_id"], kind)


def items_by_conversation(tables: Tables) -> dict[str, list[Item]]:
    """The items of 0.1 of every conversation, unordered."""
    recalled = {row["message_id"] for row in tables.get("message_recalls", [])}
    items: dict[str, list[Item]] = defaultdict(list)
    for row in tables.get("messages", []):
        item = _message_item(row, recalled)
        if item is not None:
            items[item.conversation_id].append(item)
    for row in tables.get("reception_events", []):
        if row["event_type"] in EVENT_KINDS:
            kind = EVENT_KINDS[row["event_type"]]
            event = Item(row["conversation_id"], row.get("account_id"), row["occurred_at"], 0, row["event_id"], kind)
            items[event.conversation_id].append(event)
    return items


@dataclass(frozen=True)
class _Facts:
    """What the reasons look up, indexed."""

    blocks: dict[tuple[str, str], list[Row]]
    flags: dict[str, list[Row]]
    closings: dict[str, list[Row]]
    disabled_at: dict[str, datetime]

    @staticmethod
    def of(tables: Tables) -> _Facts:
        blocks: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in tables.get("buyer_blocks", []):
            blocks[row["shop_id"], row["buyer_id"]].append(row)
        flags: dict[str, list[Row]] = defaultdict(list)
        for row in tables.get("platform_flags", []):
            flags[row["conversation_id"]].append(row)
        disabled = {
            row["account_id"]: row["disabled_at"] for row in tables.get("accounts", []) if row.get("disabled_at") is not None
        }
        closings: dict[str, list[Row]] = defaultdict(list)
        for row in tables.get("shop_closings", []):
            closings[row["shop_id"]].append(row)
        return _Facts(blocks, flags, closings, disabled)


def _is_blocked(one: Round, blocks: Iterable[Row], target_seconds: float) -> bool:
    """T-03: a block is in force when the time to answer runs out, and no valid reply came by then."""
    due = one.clock_started_at + timedelta(seconds=target_seconds)
    if one.reply_kind == "R" and one.first_reply_at is not None and one.first_reply_at <= due:
        return False
    return any(
        block["blocked_at"] <= due and (block.get("unblocked_at") is None or due < block["unblocked_at"]) for block in blocks
    )


def _reasons(one: Round, first_message: Row, facts: _Facts, target_seconds: float, zero_seconds: float) -> list[str]:
    clock = one.clock_started_at
    found: set[str] = set()
    if _is_blocked(one, facts.blocks[first_message["shop_id"], first_message["buyer_id"]], target_seconds):
        found.add("buyer_blocked_shop")
    if one.was_waiting_unrouted:
        found.add("not_routed_to_human")
    if first_message["peer_kind"] != "consumer":
        found.add(first_message["peer_kind"])
    if one.reply_kind == "B":
        found.add("non_human_reply")
    if not one.in_window:
        found.add("outside_window")
    for flag in facts.flags[one.conversation_id]:
        ends = flag.get("flagged_to")
        if flag["flagged_from"] <= clock and (ends is None or clock < ends):
            found.add(flag["flag_type"])
    if one.opening_account_id in facts.disabled_at and facts.disabled_at[one.opening_account_id] <= clock:
        found.add("account_disabled")
    for closing in facts.closings[first_message["shop_id"]]:
        if closing["closed_from"] <= clock and (closing.get("closed_to") is None or clock < closing["closed_to"]):
            found.add("shop_closed")
    answered_at = one.first_reply_at if one.reply_kind == "R" else None
    if answered_at is not None and answered_at - clock < timedelta(seconds=zero_seconds):
        found.add("zero_second_reply")
    return [reason for reason in REASONS if reason in found]


def expected_rounds(tables: Tables, parameters: Iterable[Row]) -> list[Row]:
    """The rows of `taobao_rounds`, counted or not, from deduplicated and typed raw rows."""
    rules = Parameters(parameters)
    markets = marketplaces(tables.get("shops", []))
    messages = {row["message_id"]: row for row in tables.get("messages", [])}
    facts = _Facts.of(tables)
    rows: list[Row] = []
    for conversation_id, items in sorted(items_by_conversation(tables).items()):
        questions = [item for item in items if item.kind == "Q"]
        if not questions:
            continue
        scope = markets.get(messages[min(questions, key=lambda q: q.order).item_id]["shop_id"], "tmall")
        for one in rounds_by_version(items, rules, scope):
            first = messages[one.first_message_id]
            target = rules.required(scope, "response_target_seconds", one.business_date)
            zero = rules.required(scope, "zero_second_threshold", one.business_date)
            reasons = _reasons(one, first, facts, target, zero)
            elapsed = one.first_reply_at - one.clock_started_at if one.first_reply_at is not None else None
            rows.append(
                {
                    "conversation_id": conversation_id,
                    "shop_id": first["shop_id"],
                    "buyer_id": first["buyer_id"],
                    "account_id": one.account_id,
                    "business_date": one.business_date,
                    "first_message_id": one.first_message_id,
                    "first_message_at": one.first_message_at,
                    "clock_started_at": one.clock_started_at,
                    "first_reply_id": one.first_reply_id,
                    "first_reply_at": one.first_reply_at,
                    "response_seconds": None if elapsed is None else elapsed.total_seconds(),
                    "is_counted": not reasons,
                    "is_on_time": elapsed is not None and elapsed <= timedelta(seconds=target),
                    "exclusion_reasons": reasons,
                }
            )
    return rows


def expected_exclusion_summary(rounds: Iterable[Row]) -> list[Row]:
    """Each round once, under its first reason or `counted`."""
    counts: dict[tuple[str, date, str], int] = defaultdict(int)
    for one in rounds:
        reason = one["exclusion_reasons"][0] if one["exclusion_reasons"] else "counted"
        counts[one["shop_id"], one["business_date"], reason] += 1
    return [
        {"platform": "taobao", "shop_id": shop, "business_date": day, "reason": reason, "rounds": number}
        for (shop, day, reason), number in sorted(counts.items())
    ]


# ---------------------------------------------------------------- metrics


def expected_metric_days(rounds: Iterable[Row], parameters: Iterable[Row], shops: Iterable[Row]) -> list[Row]:
    """Numerator and denominator per metric, subject and business date, where the denominator is not 0."""
    rules = Parameters(parameters)
    markets = marketplaces(shops)
    sums: dict[tuple[str, str, str, str | None, date], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in rounds:
        if not one["is_counted"]:
            continue
        shop, day, seconds = one["shop_id"], one["business_date"], one["response_seconds"]
        scope = markets.get(shop, "tmall")
        values: list[tuple[str, float | None]] = [("response_rate_3min", 1.0 if one["is_on_time"] else 0.0)]
        if seconds is None:
            values.append(("avg_response_seconds", rules.number(scope, "unanswered_response_seconds", day)))
        else:
            cap = rules.required(scope, "response_cap_seconds", day)
            values.append(("avg_response_seconds", min(seconds, cap)))
        subjects: list[tuple[str, str | None]] = [("shop", None)]
        if one["account_id"] is not None:
            subjects.append(("account", one["account_id"]))
        for metric, value in values:
            if value is None:
                continue
            for subject, account in subjects:
                total = sums[metric, subject, shop, account, day]
                total[0] += value
                total[1] += 1
    keys = sorted(sums, key=lambda key: (key[0], key[1], key[2], key[3] or "", key[4]))
    return [
        {
            "metric": metric,
            "subject": subject,
            "shop_id": shop,
            "account_id": account,
            "business_date": day,
            "numerator": sums[metric, subject, shop, account, day][0],
            "denominator": sums[metric, subject, shop, account, day][1],
        }
        for metric, subject, shop, account, day in keys
    ]


def _months(first: date, last: date) -> Iterator[date]:
    """The last days of the months from the one of `first` to the one after that of `last`."""
    year, month = first.year, first.month
    while True:
        end = date(year, month, calendar.monthrange(year, month)[1])
        yield end
        if end.replace(day=1) > last:
            return
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def expected_metrics(rounds: Iterable[Row], parameters: Iterable[Row], shops: Iterable[Row], as_of: datetime | date) -> list[Row]:
    """The rows of `service_metrics` for both metrics: day, rolling_30d up to the day before as-of, both kinds of month."""
    parameter_rows, shop_rows = list(parameters), list(shops)
    rules = Parameters(parameter_rows)
    markets = marketplaces(shop_rows)
    last_day = (as_of.date() if isinstance(as_of, datetime) else as_of) - timedelta(days=1)
    by_subject: dict[tuple[str, str, str, str | None], dict[date, Row]] = defaultdict(dict)
    for row in expected_metric_days(rounds, parameter_rows, shop_rows):
        by_subject[row["metric"], row["subject"], row["shop_id"], row["account_id"]][row["business_date"]] = row

    rows: list[Row] = []
    for (metric, subject, shop, account), days in by_subject.items():
        scope = markets.get(shop, "tmall")
        first = min(days)
        periods = [("day", day, day) for day in sorted(days)]
        end = first
        while end <= last_day:
            length = int(rules.required(scope, "rolling_days", end))
            periods.append(("rolling_30d", end - timedelta(days=length - 1), end))
            end += timedelta(days=1)
        for month_end in _months(first, max(days)):
            length = int(rules.required(scope, "month_days", month_end))
            periods.append(("month", month_end - timedelta(days=length - 1), month_end))
            periods.append(("calendar_month", month_end.replace(day=1), month_end))
        for period, start, end in periods:
            inside = [row for day, row in days.items() if start <= day <= end]
            numerator = sum(row["numerator"] for row in inside)
            denominator = sum(row["denominator"] for row in inside)
            if denominator == 0:
                continue
            value = numerator / denominator
            target = rules.number(scope, f"{metric}_target", end)
            minimum = rules.number(scope, f"{metric}_min_denominator", end)
            assessed = rules.text(scope, f"{metric}_assessed_period", end)
            is_assessed = minimum is None or denominator >= minimum
            rows.append(
                {
                    "platform": "taobao",
                    "metric": metric,
                    "subject": subject,
                    "shop_id": shop,
                    "account_id": account,
                    "period": period,
                    "period_start": start,
                    "period_end": end,
                    "numerator": numerator,
                    "denominator": denominator,
                    "value": value,
                    "target": target,
                    "is_assessed": is_assessed,
                    "is_met": value >= target if target is not None and is_assessed else None,
                    "is_assessment_period": None if assessed is None else period == assessed,
                }
            )
    return rows


# ---------------------------------------------------------------- landing folders

# * = primary key, ? = optional
CONTRACT: dict[str, dict[str, str]] = {
    "taobao": {
        "shops": "shop_id* marketplace shop_name?",
        "messages": "message_id* conversation_id shop_id buyer_id account_id direction author_kind peer_kind "
        "message_type content? sent_at",
        "message_recalls": "message_id* recalled_at",
        "reception_events": "event_id* conversation_id shop_id buyer_id account_id? event_type origin? occurred_at",
        "accounts": "account_id* shop_id account_type display_name? is_second_line? disabled_at?",
        "account_status_events": "event_id* account_id shop_id status changed_at",
        "buyer_blocks": "block_id* shop_id buyer_id blocked_at unblocked_at?",
        "platform_flags": "flag_id* shop_id conversation_id flag_type flagged_from flagged_to?",
        "shop_closings": "closing_id* shop_id closed_from closed_to?",
    },
    "kuaishou": {
        "messages": "message_id* session_id shop_id user_id agent_id? sender_kind message_type? content? sent_at",
        "session_events": "event_id* session_id shop_id user_id agent_id? event_type occurred_at",
        "malicious_reports": "report_id* shop_id user_id reported_at effective_from resolved_at? result?",
    },
}
ENUMS: dict[str, frozenset[str]] = {
    "marketplace": frozenset({"taobao", "tmall"}),
    "direction": frozenset({"inbound", "outbound"}),
    "author_kind": frozenset({"consumer", "system", "agent", "assist_bot", "auto_bot", "greeting"}),
    "peer_kind": frozenset({"consumer", "own_account", "other_merchant", "platform_operator", "platform_employee"}),
    "flag_type": frozenset({"ad_account", "cheating", "abusive"}),
    "event_type": frozenset({"assigned", "bot_started", "pooled", "transferred", "closed"}),
    "sender_kind": frozenset({"user", "agent", "bot", "system"}),
}
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _time(value: Any) -> datetime:
    """A landed time as naive Beijing time."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, int) or (str(value).isdigit() and len(str(value)) == 13):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))
    else:
        moment = datetime.fromisoformat(str(value).strip())
    return moment if moment.tzinfo is None else moment.astimezone(BEIJING).replace(tzinfo=None)


def _typed(raw: Row, columns: list[str]) -> tuple[tuple[str, ...], Row] | None:
    """Key and typed row; None for a row that cannot be read."""
    row: Row = {}
    key: list[str] = []
    for column in columns:
        name = column.rstrip("*?")
        value = raw.get(name)
        if value is None or value == "":
            if not column.endswith("?"):
                return None
            row[name] = None
            continue
        try:
            if name.endswith("_at") or name in ("flagged_from", "flagged_to", "effective_from", "closed_from", "closed_to"):
                row[name] = _time(value)
            elif name.startswith("is_"):
                row[name] = BOOLEANS[str(value).lower()]
            else:
                row[name] = str(value)
        except (ValueError, KeyError):
            return None
        if name in ENUMS and row[name] not in ENUMS[name]:
            return None
        if column.endswith("*"):
            key.append(row[name])
    if row.get("event_type") == "assigned" and "buyer_id" in row and row["account_id"] is None:
        return None
    if row.get("event_type") in ("assigned", "transferred") and "user_id" in row and row["agent_id"] is None:
        return None
    return tuple(key), row


def _is_data(path: Path) -> bool:
    return path.name.endswith((".csv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.gz"))


def _read_file(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        import duckdb

        relation = duckdb.sql("select * from read_parquet($path)", params={"path": str(path)})
        for values in relation.fetchall():
            yield dict(zip(relation.columns, values, strict=True))
        return
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = content.decode("utf-8-sig")
    if ".jsonl" in path.suffixes:
        for line in text.split("\n"):
            if line.strip():
                yield json.loads(line)
    else:
        yield from csv.DictReader(io.StringIO(text, newline=""))


def _partitions(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("dt=*") if path.is_dir()), key=lambda path: path.name)


def read_landing(folder: Path, platform: str) -> Tables:
    """Deduplicated, typed rows per table of `CONTRACT`: the last `dt`, then file, then row of a key stands.

    Rows that cannot be read are left out; unknown columns too. `folder` holds one folder per platform.
    """
    tables: Tables = {}
    for table, contract in CONTRACT[platform].items():
        latest: dict[tuple[str, ...], Row] = {}
        for partition in _partitions(folder / platform / table):
            for path in sorted(filter(_is_data, partition.iterdir()), key=lambda file: file.name):
                for raw in _read_file(path):
                    typed = _typed(raw, contract.split())
                    if typed is not None:
                        latest[typed[0]] = typed[1]
        tables[table] = list(latest.values())
    return tables


def landing_as_of(folder: Path, platform: str) -> datetime:
    """00:00 after the newest landed `dt` of any table of the platform but the official ones."""
    parts = [part for part in (folder / platform).glob("*/dt=*") if not part.parent.name.startswith("official_")]
    days = [date.fromisoformat(part.name.removeprefix("dt=")) for part in parts]
    return datetime.combine(max(days), datetime.min.time()) + timedelta(days=1)
