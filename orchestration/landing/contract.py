"""The landing contract, read from the dbt sources in models/sources: what lands, and how a row is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from orchestration.errors import KefuError
from orchestration.home import PROJECT
from orchestration.language import language
from orchestration.sql import text

CONVERSATIONS = ("conversation_id", "session_id")


@dataclass(frozen=True)
class Column:
    name: str
    data_type: str
    required: bool = False
    required_when: dict[str, list[str]] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    pattern: str | None = None
    default: str | None = None
    least: float | None = None  # of a number
    most: float | None = None
    happened: bool = False  # it tells when something took place, which is never after its delivery
    is_person: bool = False  # its value is a buyer's (user's) id
    is_free_text: bool = False  # what people wrote, who may name anybody
    known_at: str | None = field(default=None, repr=False)  # the column that says from when on the value is known
    meaning: str = field(default="", repr=False)

    @property
    def is_id(self) -> bool:
        return self.data_type == "varchar" and self.name.endswith("_id")


@dataclass(frozen=True)
class PersonLink:
    """Tells whose a row without a person's id is: that of the rows with the same key in one of these tables of the platform."""

    key: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    platform: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    person_through: PersonLink | None = None
    is_daily: bool = False  # the platform delivers it every day, without rows where there were none
    # SQL for the rows `r` that a moment after the variable begins_on needs; without it every row
    past: str | None = field(default=None, repr=False)

    @property
    def relation(self) -> str:
        """The table's name within the schemas raw, changed and staging."""
        return f"{self.platform}_{self.name}"

    @property
    def label(self) -> str:
        return f"{self.platform}/{self.name}"

    @property
    def condition(self) -> str:
        """In SQL, whether a row of what schema raw keeps of all tables is about this one."""
        return f"platform = {text(self.platform)} and table_name = {text(self.name)}"

    @property
    def person(self) -> str | None:
        """The column that names a buyer."""
        return next((column.name for column in self.columns if column.is_person), None)

    @property
    def account(self) -> str | None:
        """The column that names a reception account."""
        return next((column.name for column in self.columns if column.name.endswith(("account_id", "agent_id"))), None)

    @property
    def happening(self) -> str | None:
        """The first time column, where it tells when something took place."""
        first = next((column for column in self.columns if column.data_type == "timestamp"), None)
        return first.name if first and first.happened else None

    @property
    def occurrence(self) -> str | None:
        """The first time column, where every row has it: the row says something from then on."""
        first = next((column for column in self.columns if column.data_type == "timestamp"), None)
        return first.name if first and first.required else None

    @property
    def conversation(self) -> str | None:
        """The column that names a conversation."""
        return next((column.name for column in self.columns if column.name in CONVERSATIONS), None)

    @property
    def names_shop(self) -> bool:
        return any(column.name == "shop_id" for column in self.columns)

    @property
    def event_time(self) -> str | None:
        """The first time column, by which freshness is told."""
        return next((column.name for column in self.columns if column.data_type == "timestamp"), None)


@cache
def settings() -> dict[str, Any]:
    """What vars.yml sets."""
    settings: dict[str, Any] = yaml.safe_load((PROJECT / "vars.yml").read_text(encoding="utf-8"))["vars"]["kefu"]
    return settings


@cache
def platforms() -> list[str]:
    """The platforms, as vars.yml lists them."""
    platforms: list[str] = settings()["platforms"]
    return platforms


@cache
def contract() -> dict[tuple[str, str], Table]:
    """Every table that may land, by (platform, name)."""
    tables = {}
    for platform in platforms():
        for entry in _source(platform)["tables"]:
            tables[platform, entry["name"]] = Table(
                platform=platform,
                name=entry["name"],
                key=tuple(_meta(entry)["key"]),
                columns=tuple(_column(column) for column in entry["columns"]),
                is_daily=_meta(entry).get("delivered") == "daily",
                past=_meta(entry).get("past"),
                person_through=_link(_meta(entry).get("person_through")),
            )
    return tables


@cache
def other_names() -> dict[str, str]:
    """Names by which people call a platform, each with the platform's own."""
    return {other: platform for platform in platforms() for other in _meta(_source(platform)).get("also_called", ())}


def platform_name(platform: str) -> str:
    """What people call a platform; in Chinese that is the first of its other names."""
    return str(_meta(_source(platform))["also_called"][0]) if language() == "zh" else platform


@cache
def _source(platform: str) -> dict[str, Any]:
    path = PROJECT / "models" / "sources" / f"{platform}.yml"
    if not path.exists():
        raise KefuError(f"vars.yml names the platform {platform}, but {path.relative_to(PROJECT)} is not there")
    (source,) = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["sources"]  # in C: 0.7 s less at each start
    return dict(source)


def _column(entry: dict[str, Any]) -> Column:
    meta = _meta(entry)
    default = meta.get("default")
    return Column(
        name=entry["name"],
        data_type=entry["data_type"],
        required=meta.get("required", False),
        required_when=meta.get("required_when", {}),
        values=tuple(str(value) for value in meta.get("values", ())),
        pattern=meta.get("pattern"),
        default=None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        least=meta.get("min"),
        most=meta.get("max"),
        happened=meta.get("happened", False),
        is_person=meta.get("person", False),
        is_free_text=meta.get("free_text", False),
        known_at=meta.get("known_at"),
        meaning=entry.get("description", ""),
    )


def _link(entry: dict[str, Any] | None) -> PersonLink | None:
    return PersonLink(entry["key"], tuple(entry["tables"])) if entry else None


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return meta
