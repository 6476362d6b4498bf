"""Buyers' ids as keyed hashes, so that what readers get says who is the same buyer and not who it is.

The key comes from the environment. It is handed to DuckDB as prepared parameters only: no SQL text, file or message holds it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.errors import KefuError

VARIABLE = "KEFU_BUYER_KEY"
MIN_LENGTH = 16
BUYER_COLUMNS = ("buyer_id", "user_id")  # as marts name a buyer
SHOWN_IDS = ("shop_id", "account_id", "agent_id", "clause_id")  # and columns that end so: they are of nobody's private life
BLOCK_BYTES = 64  # of SHA-256


@dataclass(frozen=True)
class BuyerKey:
    """HMAC-SHA256 with one key, for SQL: the inner and the outer hash begin with the padded key."""

    inner: bytes
    outer: bytes

    def __repr__(self) -> str:
        return "BuyerKey(...)"

    @property
    def parameters(self) -> dict[str, bytes]:
        """What a statement with `hashed` is executed with."""
        return {"inner": self.inner, "outer": self.outer}

    @property
    def fingerprint(self) -> str:
        """Tells one key from another and nothing about it."""
        return self.hash("fingerprint of the key")

    def hash(self, value: str) -> str:
        """What `hashed` gives for a value, in hexadecimal digits."""
        return hashlib.sha256(self.outer + hashlib.sha256(self.inner + value.encode()).digest()).hexdigest()


def hashed(column: str) -> str:
    """SQL for HMAC-SHA256 of a text in hexadecimal digits; null stays null."""
    return f"sha256($outer || unhex(sha256($inner || encode({column}))))"


def with_hashed(columns: Sequence[str]) -> str:
    """SQL for every column of a relation, the ids in these hashed."""
    return f"* replace ({', '.join(f'{hashed(column)} as {column}' for column in columns)})" if columns else "*"


def is_hidden(column: str) -> bool:
    """Whether a column's ids are hashed where there is a key: all that may hold a buyer's, as where a chat is named after one."""
    return column.endswith("_id") and not column.endswith(SHOWN_IDS)


def landed_id(connection: duckdb.DuckDBPyConnection, given: str) -> str:
    """The id of the warehouse for one that readers see hashed, or for a word before it; one that is not hashed stays as it is."""
    key, digest = buyer_key(), given[-64:]
    if key is None or not re.fullmatch("[0-9a-f]{64}", digest):
        return given
    columns = connection.execute("select table_name, column_name from duckdb_columns() where schema_name = 'marts'").fetchall()
    for table, column in columns:
        if is_hidden(column):
            found = connection.execute(
                f"select {column} from marts.{table} where {hashed(column)} = $digest limit 1",
                {**key.parameters, "digest": digest},
            ).fetchone()
            if found:
                return given.removesuffix(digest) + str(found[0])
    return given


def buyer_key() -> BuyerKey | None:
    """The key of the environment; None where none is set. One that is set and short, or empty, is a KefuError."""
    key = os.environ.get(VARIABLE)
    if key is None:
        return None
    if len(key) < MIN_LENGTH:
        raise KefuError(
            f"{VARIABLE} is shorter than {MIN_LENGTH} characters: set a longer key, or unset it to publish ids as they are"
        )
    secret = os.fsencode(key)
    padded = (hashlib.sha256(secret).digest() if len(secret) > BLOCK_BYTES else secret).ljust(BLOCK_BYTES, b"\0")
    return BuyerKey(bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded))


def key_fingerprint() -> str | None:
    key = buyer_key()
    return key.fingerprint if key else None
