"""What is to be told and what has been told, in HOME/alerts.sqlite: a cause once per transport, also across restarts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestration.alerts.alert import Alert, Kind, message_of
from orchestration.alerts.transports import NotReachedError, Transport, TransportError

# A transport may take its time-out per message while another process waits.
WAIT_SECONDS = 60


class Outbox:
    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, alerts: Sequence[Alert], transports: Sequence[Transport]) -> list[str]:
        """Puts alerts in and sends whatever each transport has not taken yet. Returns why some was not taken.

        What was not stays for the next time. That is why an alert is written down before it is sent: a run fails only once.
        """
        failures = []
        with self._opened() as connection:
            with _alone(connection):
                connection.executemany(
                    "insert or ignore into alerts (cause, transport, kind, text) values (?, ?, ?, ?)",
                    [(alert.cause, transport.name, alert.kind, alert.text) for alert in alerts for transport in transports],
                )
            for transport in transports:
                for kind in Kind:
                    try:
                        self._send(connection, transport, kind)
                    except TransportError as error:
                        failures.append(f"{transport.name}: {error}")
                        if isinstance(error, NotReachedError):
                            break
        return failures

    def _send(self, connection: sqlite3.Connection, transport: Transport, kind: Kind) -> None:
        """Sends what is left of a kind as one message. Of two processes one holds the file meanwhile, the other finds it sent."""
        with _alone(connection):
            left = connection.execute(
                "select cause, text from alerts where transport = ? and kind = ? and told_at is null order by rowid",
                (transport.name, kind),
            ).fetchall()
            if not left:
                return
            message = message_of([Alert(cause, kind, text) for cause, text in left], transport.longest_text)
            transport.send(message.title, message.text)
            connection.executemany(
                "update alerts set told_at = datetime('now', '+8 hours') where cause = ? and transport = ?",
                [(cause, transport.name) for cause, _ in left],
            )

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute(
                """
                create table if not exists alerts (
                    cause text, transport text, kind text not null, text text not null,
                    told_at text, -- Beijing time; null: not yet
                    primary key (cause, transport)
                )
                """
            )
            yield connection
        finally:
            connection.close()


@contextmanager
def _alone(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that nobody else writes beside."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
