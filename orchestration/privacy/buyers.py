"""Buyers' ids as keyed hashes, so that what readers get says who is the same buyer and not who it is.

The key comes from the environment. It is handed to DuckDB as prepared parameters only: no SQL text, file or message holds it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from orchestration.errors import KefuError

VARIABLE = "KEFU_BUYER_KEY"
MIN_LENGTH = 16
BUYER_COLUMNS = ("buyer_id", "user_id")  # as marts name a buyer
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
