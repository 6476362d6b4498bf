"""What is a buyer's: which rows, which words. One rule for rows of files (in Python) and rows of tables (in SQL)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import duckdb

from orchestration.landing import columns
from orchestration.landing.contract import Column, Table
from orchestration.landing.readers import text_of
from orchestration.sql import name, text

STAFF_IDS = ("shop_id", "account_id", "agent_id")  # and columns that end so: a shop or an account is not a buyer
BLANK = "***"
FRACTION = re.compile(r"\.0+$")  # of an id that an export holds as a float
NUMBER_LIKE = re.compile(r"[-+.:\dTZ ]+|true|false", re.IGNORECASE)  # as times, numbers and booleans are written


@dataclass(frozen=True)
class Buyer:
    """The id, and the words that tell it: the id as it is, as JSON or CSV may write it, and its published hash."""

    id: str
    published_hash: str | None = None

    @cached_property
    def word(self) -> re.Pattern[str]:
        return re.compile(f"(?<![0-9A-Za-z])(?:{self._spellings})(?![0-9A-Za-z])")

    @cached_property
    def word_in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self.word.pattern.encode("utf-8", "surrogateescape"))

    @property
    def sql_word(self) -> str:
        """The pattern of a word for DuckDB, whose patterns cannot look around: what stands beside the word is captured."""
        return text(f"(^|[^0-9A-Za-z])(?:{self._spellings})([^0-9A-Za-z]|$)")

    @property
    def _spellings(self) -> str:
        spellings = [self.id, json.dumps(self.id)[1:-1], self.id.replace('"', '""'), self.published_hash or self.id]
        return "|".join(re.escape(spelling) for spelling in dict.fromkeys(spellings))

    def blanked(self, source: str) -> str:
        """SQL for a text without the word, replaced twice, as two words may share what stands between them."""
        between = text(rf"\1{BLANK}\2")
        once = f"regexp_replace({source}, {self.sql_word}, {between}, 'g')"
        return f"regexp_replace({once}, {self.sql_word}, {between}, 'g')"


def is_staff_id(column: str) -> bool:
    return column.endswith(STAFF_IDS)


@dataclass(frozen=True)
class Rule:
    """Which rows of a landed table are the buyer's, and which columns of other rows may name the buyer."""

    table: Table
    buyer: Buyer
    keys: frozenset[str]  # of the table it is linked with, those that belong to this buyer alone

    @cached_property
    def _known(self) -> dict[str, Column]:
        return {column.name: column for column in self.table.columns}

    def is_buyers(self, cells: Iterable[tuple[str, str]]) -> bool:
        """Whether a row, given as columns and their texts, is the buyer's."""
        return any(self._is_buyers_cell(self._plain(column), value) for column, value in cells)

    def _plain(self, column: str) -> str:
        """The contract's name for a column of a file, as landing knows it."""
        plain = column.strip().lower()
        return plain if plain in self._known else column

    def _is_buyers_cell(self, column: str, value: str) -> bool:
        if self._is_link(column) and value in self.keys:
            return True
        if not self._is_telling(column):
            return False
        if self._is_list(column):
            return self.buyer.id in _elements(value)
        if self._has_form(column):
            return bool(self.buyer.word.search(value))
        return self.buyer.id in (value, FRACTION.sub("", value))

    def may_name(self, column: str) -> bool:
        """Whether a column is free text: what people write, and columns that the contract does not know."""
        column = self._plain(column)
        return column not in self._known or self._known[column].is_free_text

    def sql(self, found: Iterable[tuple[str, str]]) -> tuple[str, dict[str, str]]:
        """The condition for the buyer's rows of a relation of columns and their types, and its free text without the buyer.

        The condition reads the table `forgotten_keys`, which `put_keys` makes.
        """
        conditions, blanked = ["false"], {}
        for in_file, data_type in found:
            column, source, wanted = self._plain(in_file), f"({text_of(name(in_file), data_type)})", text(self.buyer.id)
            if self._is_link(column):
                conditions.append(f"{source} in (select key from forgotten_keys)")
            if data_type == "VARCHAR" and self.may_name(column):
                blanked[in_file] = self.buyer.blanked(name(in_file))
            if not self._is_telling(column):
                continue
            if self._is_list(column):
                conditions.append(f"list_contains({columns.value(self._known[column], source)}, {wanted})")
            elif self._has_form(column):
                conditions.append(f"regexp_matches({source}, {self.buyer.sql_word})")
            else:
                conditions.append(f"{wanted} in ({source}, regexp_replace({source}, {text(FRACTION.pattern)}, {text('')}))")
            if data_type.endswith("[]") and not self._is_list(column):
                conditions.append(f"list_contains(try_cast({name(in_file)} as varchar[]), {wanted})")
        return " or ".join(f"coalesce({condition}, false)" for condition in conditions), blanked

    def put_keys(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(
            "create or replace temp table forgotten_keys as select unnest($1::varchar[]) as key", [sorted(self.keys)]
        )

    def _is_link(self, column: str) -> bool:
        return self.table.person_through is not None and column == self.table.person_through.key

    def _is_telling(self, column: str) -> bool:
        """Whether the id in this column can mean the buyer: not where it is a value of another kind that only looks the same."""
        known = self._known.get(column)
        if known is None or known.is_person:
            return True
        if known.is_free_text:  # naming a buyer makes nobody's message the buyer's
            return False
        is_other = self.buyer.id in known.values or (self._has_form(column) and NUMBER_LIKE.fullmatch(self.buyer.id))
        return not is_staff_id(column) and not is_other

    def _is_list(self, column: str) -> bool:
        return column in self._known and self._known[column].data_type == "varchar[]"

    def _has_form(self, column: str) -> bool:
        """Whether a column is a time, number or enumeration: an id in it is a mistake, and the row one that cannot be read."""
        known = self._known.get(column)
        return known is not None and (known.data_type not in ("varchar", "varchar[]") or bool(known.values or known.pattern))


def _elements(value: str) -> list[str]:
    if value.startswith("["):
        try:
            return [str(element) for element in json.loads(value)]
        except ValueError:
            pass
    return value.split("|")
