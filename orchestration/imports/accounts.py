"""What has landed of shops and accounts: whom a sheet means by a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.errors import KefuError
from orchestration.imports.values import plain
from orchestration.landing.contract import contract
from orchestration.landing.deliveries import Delivery, find_deliveries
from orchestration.landing.load import land
from orchestration.landing.readers import read
from orchestration.landing.tables import empty_warehouse
from orchestration.sql import name

TOLD = ("shops", "accounts", "account_aliases")  # tables that tell of names, where a platform has them


class Names:
    """The names that a platform's landing files tell."""

    def __init__(self, landing: Path, platform: str) -> None:
        self.platform = platform
        self.deliveries: list[Delivery] = []
        if landing.is_dir() and any(landing.iterdir()):
            inventory = find_deliveries(landing, contract())
            self.deliveries = [delivery for delivery in inventory.deliveries if delivery.table.platform == platform]

    def account(self, shop: str, nickname: str) -> str:
        """The account of a nickname in a shop: by display name, else by alias, else its id. KefuError says what is missing."""
        for ways in (self._display_names, self._aliases):
            for spelling in _spellings(nickname):
                found = ways.get((shop, plain(spelling)), set())
                if len(found) > 1:
                    raise KefuError(f"{nickname} is the name of several accounts of {shop}: {', '.join(sorted(found))}")
                if found:
                    return next(iter(found))
        for spelling in _spellings(nickname):
            if (shop, spelling) in self._ids:
                return spelling
        short = list(_spellings(nickname))[-1]
        raise KefuError(
            f"no account of {shop} is called {nickname}: add a row to {self.platform}/account_aliases "
            f"(shop_id {shop}, alias {short}, account_id ...) and import again"
        )

    def shop(self, called: str) -> str | None:
        """The shop of a name or id."""
        found = self._shops.get(plain(called)) or {called}.intersection(shop for shop, _ in self._ids)
        return next(iter(found)) if len(found) == 1 else None

    @cached_property
    def _landed(self) -> dict[str, list[tuple[str | None, ...]]]:
        """The rows that stand of the tables that tell of names."""
        wanted = [delivery for delivery in self.deliveries if delivery.table.name in TOLD]
        with empty_warehouse() as connection:
            land(connection, wanted, record_changes=False, report=lambda line: None)
            columns = {"shops": "shop_id, shop_name", "accounts": "shop_id, display_name, account_id"}
            return {
                table: connection.execute(
                    f"select {columns.get(table, 'shop_id, alias, account_id')} from staging.{self.platform}_{table}"
                ).fetchall()
                for table in TOLD
                if (self.platform, table) in contract()
            }

    @cached_property
    def _display_names(self) -> dict[tuple[str, str], set[str]]:
        return _by_name(self._landed.get("accounts", ()))

    @cached_property
    def _aliases(self) -> dict[tuple[str, str], set[str]]:
        return _by_name(self._landed.get("account_aliases", ()))

    @cached_property
    def _shops(self) -> dict[str, set[str]]:
        shops: dict[str, set[str]] = defaultdict(set)
        for shop, called in self._landed.get("shops", ()):
            if shop and called:
                shops[plain(called)].add(shop)
        return shops

    @cached_property
    def _ids(self) -> set[tuple[str | None, str | None]]:
        """The shops and accounts of all rows that have landed."""
        seen: set[tuple[str | None, str | None]] = set()
        tables = {delivery.table.name: delivery.table for delivery in self.deliveries if delivery.table.names_shop}
        with TemporaryDirectory(prefix="kefu-import-") as aside, duckdb.connect() as connection:
            for table in tables.values():
                folder = Path(aside, table.name)
                folder.mkdir()
                files = [file for delivery in self.deliveries if delivery.table is table for file in delivery.files]
                account = name(table.account) if table.account else "null"
                for relation in read(connection, table, files, folder).relations:
                    seen |= set(connection.execute(f"select distinct shop_id, {account} from ({relation.sql})").fetchall())
        return seen


def _by_name(rows: Iterable[tuple[str | None, ...]]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for shop, called, account in rows:
        if shop and called and account:
            for spelling in _spellings(called):
                found[shop, plain(spelling)].add(account)
    return found


def _spellings(nickname: str) -> list[str]:
    """A nickname as it is, and without the shop before it."""
    return list(dict.fromkeys([nickname, nickname.replace("：", ":").rpartition(":")[2].strip()]))


def prefix(nickname: str) -> str:
    """The shop that stands before a nickname, if one does."""
    return nickname.replace("：", ":").rpartition(":")[0].strip()
