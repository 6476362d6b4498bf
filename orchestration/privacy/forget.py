"""`kefu forget`: a buyer's rows out of landing, warehouse and marts, and the proof that they are.

Every step leaves things as they are where it has nothing to do: a run that was killed is finished by the next one.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb

from orchestration.alerts.outbox import Outbox
from orchestration.build.dbt import run_dbt
from orchestration.build.publish import drop_other_versions
from orchestration.build.state import Dates, opened
from orchestration.build.steps import Report, building, is_anything_pending, land_deliveries, raise_unreadable
from orchestration.compact import write_warehouse_anew
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home, scratch
from orchestration.landing import ledger
from orchestration.landing.contract import PersonLink, Table, contract
from orchestration.landing.deliveries import File, Inventory, find_deliveries
from orchestration.landing.load import amend
from orchestration.landing.readers import read
from orchestration.live.past import alone
from orchestration.privacy import files, proof
from orchestration.privacy.buyers import buyer_key
from orchestration.privacy.traces import Buyer, Rule
from orchestration.sql import name, text


def forget(landing: Path, home_path: Path, buyer_id: str, report: Report) -> None:
    """Removes a buyer everywhere. KefuError names what is left, if anything is."""
    if not buyer_id:
        raise KefuError("--buyer is empty: give the id as the platform's exports write it")
    if not (home_path / "warehouse.duckdb").exists():  # a path with a slip in it must not pass for a home without the buyer
        raise KefuError(f"--home {home_path} holds no warehouse: name the home that was built from the landing folder")
    home, key = open_home(home_path, apart_from=landing), buyer_key()
    buyer = Buyer(buyer_id, key.hash(buyer_id) if key else None)
    with one_writer(home):
        removed = _forget_live(home, buyer)  # before a change: it may be running
        land_deliveries(home, landing, again=False, report=report)
        raise_unreadable(home)
        inventory = find_deliveries(landing, contract())
        inventory = replace(inventory, deliveries=inventory.deliveries + inventory.too_new)
        rules = _rules(home, inventory, buyer)
        is_in_landing = _forget_landing(inventory, rules, report)
        if is_in_landing:
            land_deliveries(home, landing, again=False, report=report)
        is_landed = _forget_landed(home, rules, report) or is_in_landing
        removed = removed or is_landed
        if is_landed and home.spark.exists():  # whose files may keep what no table reads: all of them are made anew
            with opened(home) as state:
                state.ask_for_everything()
        if is_landed or _is_copy_published(home) or is_anything_pending(home):
            with building(home, Dates(), report, may_copy=False) as arguments:
                run_dbt(home, arguments, report)
        removed = _forget_scratch(home, buyer, report) or removed
        removed = _forget_logs(home, buyer, report) or removed
        drop_other_versions(home)
        write_warehouse_anew(home)
        if not removed:
            report("nothing was found of this buyer")
        _prove(home, landing, inventory, rules, buyer, report)


def _forget_live(home: Home, buyer: Buyer) -> bool:
    """Removes what `kefu live` works with, which it makes anew, and alerts that name the buyer, if there are any. KefuError where
    it runs.
    """
    if home.live_home.exists():
        with alone(home):
            shutil.rmtree(home.live_home)
        home.live.unlink(missing_ok=True)  # its versions go with the other ones of the marts
    return home.alerts.exists() and Outbox(home.alerts).forget(lambda told: bool(buyer.word.search(told))) > 0


def _is_copy_published(home: Home) -> bool:
    """Whether rows that went may still lie in the published file, where no table reads them."""
    with opened(home) as state:
        version = state.published_version()
    return version is not None and version.is_copy


def _rules(home: Home, inventory: Inventory, buyer: Buyer) -> dict[str, Rule]:
    """The rule for what is the buyer's, by the table's name in schema raw."""
    delivered: dict[str, list[File]] = {}
    for delivery in inventory.deliveries:
        delivered.setdefault(delivery.table.relation, []).extend(delivery.files)
    with home.connect() as connection:
        return {
            table.relation: Rule(
                table,
                buyer,
                _own_keys(connection, table, delivered, buyer, home.temporary) if table.person_through else frozenset(),
            )
            for table in contract().values()
        }


def _own_keys(
    connection: duckdb.DuckDBPyConnection, table: Table, delivered: dict[str, list[File]], buyer: Buyer, folder: Path
) -> frozenset[str]:
    """The keys of a linked table that all deliveries, also those no longer in landing, know as this buyer's alone."""
    link, wanted = table.person_through, text(buyer.id)
    assert link is not None
    tables = [contract()[table.platform, other] for other in link.tables]
    connection.execute(
        "create or replace temp table own_keys (key varchar); create or replace temp table others_keys (key varchar);"
    )
    for target, condition in (
        ("own_keys", f"person = {wanted}"),
        ("others_keys", f"person <> {wanted} and key in (select key from own_keys)"),
    ):
        for other in tables:
            with scratch(folder) as aside:
                for relation in _relations(connection, other, delivered.get(other.relation, []), Path(aside)):
                    pairs = _keys_and_persons(other, link, relation)
                    connection.execute(f"insert into {target} select distinct key from ({pairs}) where {condition}")
                    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    return frozenset(key for (key,) in connection.execute("from own_keys except from others_keys").fetchall())


def _relations(connection: duckdb.DuckDBPyConnection, table: Table, delivered: list[File], aside: Path) -> list[str]:
    return [f"({relation.sql})" for relation in read(connection, table, delivered, aside).relations] + [f"raw.{table.relation}"]


def _keys_and_persons(table: Table, link: PersonLink, relation: str) -> str:
    assert table.person is not None
    return f"select {name(link.key)} as key, {name(table.person)} as person from {relation}"


def _forget_landing(inventory: Inventory, rules: dict[str, Rule], report: Report) -> bool:
    """Rewrites the files concerned. Tables that are linked to others go first: their keys stand in the others' rows."""
    linked_first = sorted(inventory.deliveries, key=lambda delivery: delivery.table.person_through is None)
    totals: dict[str, tuple[int, int, int]] = {}
    with duckdb.connect() as connection:
        for delivery in linked_first:
            for file in delivery.files:
                files.aside_of(file.path).unlink(missing_ok=True)  # of a run that was killed
                found = files.search(connection, file, rules[delivery.table.relation])
                if found.any:
                    files.rewrite(connection, file, rules[delivery.table.relation])
                    rows, named, count = totals.get(delivery.table.label, (0, 0, 0))
                    totals[delivery.table.label] = rows + found.removed, named + found.blanked, count + 1
    for label, (rows, named, count) in totals.items():
        report(
            f"removed from landing {label}: {rows:,} rows in {count:,} files"
            + (f", and the id from the text of {named:,} other rows" if named else "")
        )
    return bool(totals)


def _forget_landed(home: Home, rules: dict[str, Rule], report: Report) -> bool:
    """Removes from schema raw what the landing folder no longer holds, such as deliveries that were archived."""
    removed = False
    with opened(home) as state:
        connection = state.connection
        record_changes = not state.is_everything()
        for rule in sorted(rules.values(), key=lambda rule: rule.table.person_through is None):
            table = rule.table
            rule.put_keys(connection)
            described = connection.execute(f"describe staging.{table.relation}").fetchall()
            is_buyers, blanked = rule.sql([(column, data_type) for column, data_type, *_ in described])
            count = amend(connection, table, is_buyers, blanked, record_changes=record_changes)
            if count:
                state.mark_changed()
                report(f"removed from the warehouse raw.{table.relation}: {count:,} rows whose files are no longer in landing")
            removed = removed or count > 0
        count = _forget_rejected(connection, rules)
        if count:
            connection.execute(
                """
                update raw.deliveries as d set rejected_row_count = (
                    select count(*) from raw.rejected_rows r
                    where r.platform = d.platform and r.table_name = d.table_name and r.dt = d.dt
                )
                """
            )
            ledger.forget_rejected(connection)
            report(f"removed from the warehouse raw.rejected_rows: {count:,} rows")
    return removed or count > 0


def _forget_rejected(connection: duckdb.DuckDBPyConnection, rules: dict[str, Rule]) -> int:
    """Removes the rejected rows that name the buyer."""
    ids = proof.rejected_traces(connection, rules)
    connection.execute("delete from raw.rejected_rows where rowid in (select unnest($1::bigint[]))", [ids])
    return len(ids)


def _forget_scratch(home: Home, buyer: Buyer, report: Report) -> bool:
    """Removes what the last build wrote down of what it was to build; it is built now."""
    removed = False
    with home.connect() as connection:
        for table, columns in proof.text_columns(connection).items():
            if table.startswith("build."):
                is_buyers = " or ".join(
                    f"coalesce({name(column)} = {text(buyer.id)}, false)"
                    for column, data_type in columns
                    if data_type == "VARCHAR"
                )
                (count,) = connection.execute(f"delete from {table} where {is_buyers or 'false'}").fetchall()[0]
                if count:
                    report(f"removed from the warehouse {table}: {count:,} rows")
                removed = removed or count > 0
    return removed


def _forget_logs(home: Home, buyer: Buyer, report: Report) -> bool:
    """Removes logs and what dbt keeps of its last run where they name the buyer, as a whole: both are made anew. With them goes
    whatever a build that died left among the temporary files.
    """
    removed = False
    for path in list(proof.other_files(home)):
        is_log = (
            path.is_relative_to(home.logs)
            or path.is_relative_to(home.dbt)
            or (path.is_relative_to(home.dagster) and path.suffix in (".out", ".err", ".log"))
        )
        if path.is_relative_to(home.temporary):
            path.unlink()
        elif is_log and proof.is_trace(home, path, buyer):
            path.unlink()
            report(f"removed {path.relative_to(home.path)}, which named the buyer")
            removed = True
    return removed


def _prove(home: Home, landing: Path, inventory: Inventory, rules: dict[str, Rule], buyer: Buyer, report: Report) -> None:
    searched = [
        proof.search_landing(landing, inventory, rules),
        proof.search_database(home.warehouse, "warehouse", buyer, rules),
        proof.search_database(home.published, "published marts", buyer, rules),
        proof.search_home(home, buyer),
    ]
    for place in searched:
        report(f"searched {place.place}: {place.extent}: {len(place.traces)} traces")
    left = [f"{place.place} {trace}" for place in searched for trace in place.traces]
    if left:
        more = f" and {len(left) - 5} other places" if len(left) > 5 else ""
        raise KefuError(f"the buyer is still named in {'; '.join(left[:5])}{more}")
