"""A conversation in order: the items that rounds are made of, and whatever else landed of it, each in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.explain.tables import Clauses, rows
from orchestration.explain.text import AUTHORS, Entry, Row, spoken
from orchestration.landing.contract import Table, contract
from orchestration.language import localized

# {platform}, {relation} and the like are names out of vars.yml and the landing contract, never what somebody gave.
ITEMS = """
select item_id as id, item_at as at, item_rank as rank, kind, account_id, content
from items.int_{platform}__items
where conversation_id = $conversation_id and item_at between $start and $end
"""
LANDED = "select * from staging.{relation} where {column} = $conversation_id and {event_time} between $start and $end"
RECALLED = "select message_id from staging.{relation} where list_contains($ids, message_id)"
BARE: Row = {"kind": None, "type": None, "author": None, "origin": None, "is_recalled": False}

EVENTS = {
    "H": "hand-over 分流人工",
    "assigned": "hand-over 分流人工",
    "transferred": "hand-over 转接",
    "bot_started": "to a bot 机器人接待",
    "pooled": "to the offline pool 离线消息池",
    "closed": "closed 关闭, changes nothing",
}
ORIGINS = {
    "direct": "directly 直接分流",
    "bot": "from the bot 机器人转人工",
    "queue": "from the queue 排队",
    "offline_pool": "from the offline pool 离线消息池",
    "transfer": "by transfer 转接",
    "priority": "by priority reception 优先接待",
}


@dataclass(frozen=True, kw_only=True)
class Happening(Entry):
    """A message or routing event. kind: Q, R, B, H, N of the items as the rules of the day take it, None where it is none."""

    id: str
    rank: int  # 0 routing event, 1 inbound, 2 outbound: their order at the same time
    kind: str | None
    account_id: str | None
    author: str = ""
    is_transfer: bool = False  # from one account to another


def conversation(
    connection: duckdb.DuckDBPyConnection, clauses: Clauses, row: Row, start: datetime, end: datetime
) -> list[Happening]:
    """The happenings from start to end, of the conversation of a row, in the order in which rounds are made of them."""
    platform, where = row["platform"], {"conversation_id": row["conversation_id"], "start": start, "end": end}
    bots_reply = row.get("reply_scope") == "bot_and_human"  # routing is nothing then
    found: list[Row] = []
    for table in contract().values():
        column = next((c.name for c in table.columns if c.name in ("conversation_id", "session_id")), None)
        if table.platform == platform and column and table.key in (("message_id",), ("event_id",)):
            sql = LANDED.format(relation=table.relation, column=column, event_time=table.event_time)
            found += [shared(one, table) for one in rows(connection, sql, **where)]
    told: dict[tuple[bool, str], Row] = {}
    for one in [*found, *rows(connection, ITEMS.format(platform=platform), **where)]:
        told.setdefault((one["rank"] > 0, one["id"]), BARE.copy()).update(one)
    if recalls := contract().get((platform, "message_recalls")):
        ids = [identifier for is_message, identifier in told if is_message]
        for one in rows(connection, RECALLED.format(relation=recalls.relation), ids=ids):
            told[True, one["message_id"]]["is_recalled"] = True
    return in_order(happening(one, row["customer_id"], clauses, bots_reply=bots_reply) for one in told.values())


def in_order(happenings: Iterable[Happening]) -> list[Happening]:
    return sorted(happenings, key=lambda one: (one.at, one.rank, one.id))


def shared(row: Row, table: Table) -> Row:
    """A landed row under the names that all platforms share."""
    is_inbound = row.get("direction") == "inbound" or row.get("sender_kind") == "user"
    return {
        "id": row[table.key[0]],
        "at": row[table.event_time or ""],
        "rank": 0 if table.key == ("event_id",) else 1 if is_inbound else 2,
        "account_id": row.get(table.account or ""),
        "author": row.get("author_kind") or row.get("sender_kind"),
        "type": row.get("message_type") or row.get("event_type"),
        "content": row.get("content"),
        "origin": row.get("origin"),
    }


def happening(row: Row, customer_id: str, clauses: Clauses, *, bots_reply: bool) -> Happening:
    rank, kind, account, author = row["rank"], row["kind"], row["account_id"], row["author"]
    who = {
        0: f"routing 分流 → {account}" if account else "routing 分流",
        1: f"{customer_id} → {account or 'shop'}",
        2: f"{account or author or 'shop'} → {customer_id}",
    }[rank]
    return Happening(
        **{name: row[name] for name in ("at", "rank", "id", "account_id")},
        kind={"B": "R", "H": None, "N": None}.get(kind, kind) if bots_reply else kind,
        who=who,
        words=words(row, clauses, bots_reply=bots_reply),
        what=spoken(row["type"], row["content"]) if rank else localized(ORIGINS.get(row["origin"], row["origin"] or "")),
        author=AUTHORS.get(author, author or ""),
        is_transfer=row["type"] == "transferred",
    )


def words(row: Row, clauses: Clauses, *, bots_reply: bool) -> str:
    """What a message or routing event is to a round."""
    author, recalled = AUTHORS.get(row["author"], row["author"] or "bot"), row["is_recalled"]
    match row["kind"] or row["rank"]:
        case "H" if bots_reply:
            return f"{EVENTS['H']}, opens nothing: nobody waited yet{clauses.cite('reply_scope')}"
        case "N" if bots_reply:
            return f"routing, meant nothing yet{clauses.cite('reply_scope')}"
        case "H" | "N" | 0:
            no_human = f": no human{clauses.cite('routing_lookback_days')}" if row["kind"] == "N" else ""
            return EVENTS.get(row["type"] or row["kind"], row["type"] or "routing 分流") + no_human
        case "Q":
            return "question 咨询"
        case "R":
            by = f" ({author})" if row["author"] not in ("agent", None) else ""
            return f"valid reply 有效回复{by}" + (f"; recalled 撤回, still a reply{clauses.cite('recalled')}" if recalled else "")
        case "B" if bots_reply:
            return f"{author}, a reply then{clauses.cite('reply_scope')}"
        case "B" | 2:
            return f"{author}, no reply{clauses.cite('non_human_reply' if row['kind'] else row['author'])}"
    if row["type"] in clauses:
        return f"asks nothing{clauses.cite(row['type'])}"
    if row["author"] == "system":
        return f"not by a consumer, asks nothing{clauses.cite('no_consumer')}"
    return f"recalled 撤回, asks nothing{clauses.cite('recalled')}" if recalled else "asks nothing"
