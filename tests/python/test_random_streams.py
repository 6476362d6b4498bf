"""Random streams of deliveries, in random order: the marts equal those of a full rebuild, and of an independent reference."""

from __future__ import annotations

import csv
import json
import random
import shutil
import tempfile
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import build, marts, query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference.taobao import expected_exclusion_summary, expected_metrics, expected_rounds, landing_as_of, read_landing

from orchestration.home import PROJECT

pytestmark = pytest.mark.increments

Row = dict[str, Any]

# Around changes of the rules of both marketplaces, around their windows' edges, at the edges of target, look-back and horizon.
FIRST_DAYS = [date(2022, 2, 27), date(2022, 7, 4), date(2025, 9, 29)]
CLOCKS = [
    "00:00:00",
    "07:59:59.999",
    "08:00:00",
    "08:59:59.999",
    "09:00:00",
    "12:00:00",
    "22:59:59.999",
    "23:00:00",
    "23:59:59.999",
]
STEPS = [
    0.0,
    0.5,
    0.999,
    1.0,
    30.0,
    179.999,
    180.0,
    180.001,
    600.0,
    601.0,
    3600.0,
    39600.0,
    86400.0,
    86400.001,
    259200.0,
    259200.001,
]
DAYS = 5


class World:
    """A stream of raw rows with the moment of each, and the deliveries they come in."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.first_day = self.dice.choice(FIRST_DAYS)
        self.rows: dict[str, list[tuple[datetime, Row]]] = defaultdict(list)
        self.number = 0
        self.add("shops", self.some_time(), shop_id="s1", marketplace="taobao")
        self.add("shops", self.some_time(), shop_id="s2", marketplace=self.dice.choice(["taobao", "tmall"]))
        for shop in ("s1", "s2", "s3"):
            for account in ("a", "b"):
                if self.dice.random() < 0.7:
                    disabled = self.some_time() if self.dice.random() < 0.3 else None
                    self.add(
                        "accounts",
                        self.some_time(),
                        account_id=f"{shop}{account}",
                        shop_id=shop,
                        account_type="sub",
                        disabled_at=disabled,
                    )
            if self.dice.random() < 0.3:
                closed = self.some_time()
                again = closed + timedelta(seconds=self.dice.choice(STEPS)) if self.dice.random() < 0.8 else None
                closing = self.identifier("g")
                self.add("shop_closings", closed, closing_id=closing, shop_id=shop, closed_from=closed, closed_to=again)
        for conversation in range(25):
            self.converse(f"c{conversation}")

    def add(self, table: str, moment: datetime, **row: Any) -> None:
        self.rows[table].append((moment, row))

    def identifier(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    def some_time(self) -> datetime:
        day = self.first_day + timedelta(days=self.dice.randrange(DAYS))
        return datetime.fromisoformat(f"{day} {self.dice.choice(CLOCKS)}")

    def converse(self, conversation: str) -> None:
        shop, buyer = self.dice.choice(["s1", "s2", "s3"]), self.dice.choice(["b1", "b2"])
        where = {"conversation_id": conversation, "shop_id": shop, "buyer_id": buyer}
        peer = self.dice.choices(["consumer", "own_account", "other_merchant"], [8, 1, 1])[0]
        now = self.some_time()
        for _ in range(self.dice.randrange(2, 14)):
            account = shop + self.dice.choice("aab")
            kind = self.dice.choices(["ask", "answer", "route"], [5, 4, 3])[0]
            if kind == "route":
                event = self.dice.choice(["assigned", "bot_started", "pooled", "closed"])
                self.add(
                    "reception_events", now, event_id=self.identifier("e"), **where, occurred_at=now, event_type=event,
                    account_id=account if event == "assigned" else None,
                )  # fmt: skip
            else:
                author, direction = (self.dice.choices(["consumer", "system"], [9, 1])[0], "inbound") if kind == "ask" else (
                    self.dice.choices(["agent", "assist_bot", "auto_bot", "greeting"], [5, 1, 3, 1])[0], "outbound",
                )  # fmt: skip
                others = ["card_click", "work_order"] if kind == "ask" else ["vip_push", "payment_reminder"]
                message = self.identifier("m")
                self.add(
                    "messages", now, message_id=message, **where, account_id=account, direction=direction, author_kind=author,
                    peer_kind=peer, message_type=self.dice.choices(["text", "link", *others], [8, 1, 1, 1])[0], sent_at=now,
                )  # fmt: skip
                if self.dice.random() < 0.08:
                    self.add(
                        "message_recalls", now + timedelta(days=1), message_id=message, recalled_at=now + timedelta(seconds=9)
                    )
            now += timedelta(seconds=self.dice.choices(STEPS, [4] * 10 + [1] * 6)[0])
        if self.dice.random() < 0.2:
            start = self.some_time()
            end = start + timedelta(seconds=self.dice.choice(STEPS)) if self.dice.random() < 0.6 else None
            flag = self.dice.choice(["ad_account", "cheating", "abusive"])
            self.add(
                "platform_flags", start, flag_id=self.identifier("f"), shop_id=shop, conversation_id=conversation,
                flag_type=flag, flagged_from=start, flagged_to=end,
            )  # fmt: skip
        if self.dice.random() < 0.2:
            start = self.some_time()
            end = start + timedelta(seconds=self.dice.choice(STEPS)) if self.dice.random() < 0.6 else None
            self.add(
                "buyer_blocks",
                start,
                block_id=self.identifier("k"),
                shop_id=shop,
                buyer_id=buyer,
                blocked_at=start,
                unblocked_at=end,
            )

    def deliveries(self) -> dict[date, dict[str, list[Row]]]:
        """Rows by dt: the day after, or days later; some come again, some of those changed."""
        days: dict[date, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for table, rows in self.rows.items():
            for moment, row in rows:
                dt = moment.date() + timedelta(days=self.dice.choices([1, 2, 4], [8, 1, 1])[0])
                days[dt][table].append(row)
                if self.dice.random() < 0.08:
                    days[dt + timedelta(days=self.dice.choice([1, 2]))][table].append(self.changed(row))
        return days

    def changed(self, row: Row) -> Row:
        times = [name for name, value in row.items() if isinstance(value, datetime)]
        shift = timedelta(seconds=self.dice.choice(STEPS))
        return {**row, **{name: row[name] + shift for name in times}} if self.dice.random() < 0.7 else dict(row)


def write(landing: Path, dt: date, tables: dict[str, list[Row]]) -> None:
    for table, rows in tables.items():
        folder = landing / "taobao" / table / f"dt={dt}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), encoding="utf-8")


def parameters() -> list[dict[str, str]]:
    with open(PROJECT / "seeds" / "rule_parameters.csv", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_streams_in_any_order_equal_a_full_rebuild_and_the_reference(empty_home: Path, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landing, home = Path(folder, "landing"), shutil.copytree(empty_home, Path(folder, "home"), symlinks=True)
        world = World(seed)
        deliveries = world.deliveries()
        order = sorted(deliveries)
        world.dice.shuffle(order)
        half = len(order) // 2
        # A delivery may come first in a shape that a later one of the same dt replaces: half of its rows, and one too many.
        for dt in order[: half + 1]:
            write(landing, dt, {table: rows[::2] for table, rows in deliveries[dt].items()})
        write(landing, order[0], {"messages": [world.rows["messages"][0][1]]})
        build(landing, home)
        for dt in order[:half]:
            shutil.rmtree(landing / "taobao", ignore_errors=True) if world.dice.random() < 0.2 else None
            write(landing, dt, deliveries[dt])
        build(landing, home)
        for dt in order:
            write(landing, dt, deliveries[dt])
        build(landing, home)
        incremental = marts(home)
        assert_equals_reference(landing, home)
        build(landing, home, "--full-refresh")
        assert marts(home) == incremental


def assert_equals_reference(landing: Path, home: Path) -> None:
    tables = read_landing(landing, "taobao")
    rounds = expected_rounds(tables, parameters())
    columns = [name for name in rounds[0] if name != "exclusion_reasons"]
    found = query(home, f"select {', '.join(columns)}, exclusion_reasons from marts.taobao_rounds")
    assert sorted(map(repr, found)) == sorted(
        repr((*(row[name] for name in columns), row["exclusion_reasons"])) for row in rounds
    )
    as_of = landing_as_of(landing, "taobao")
    metrics = expected_metrics(rounds, parameters(), tables.get("shops", []), as_of)
    names = list(metrics[0])
    found = query(home, f"select {', '.join(names)} from marts.service_metrics where platform = 'taobao'")
    assert sorted(map(rounded, found), key=repr) == sorted(
        (rounded(tuple(row[name] for name in names)) for row in metrics), key=repr
    )
    summary = expected_exclusion_summary(rounds)
    names = list(summary[0])
    assert sorted(query(home, f"select {', '.join(names)} from marts.exclusion_summary")) == sorted(
        tuple(row[name] for name in names) for row in summary
    )


def rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(round(value, 6) if isinstance(value, float) else value for value in row)
