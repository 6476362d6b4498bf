"""What is to be told and what has been told, in HOME/alerts.sqlite: a cause once per transport, also across restarts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestration.alerts.alert import Alert, Kind, message_of
from orchestration.alerts.transports import NotReachedError, Transport, TransportError

# A transport may take its time-out per message while another process waits.
WAIT_SECONDS = 60
NOW = "datetime('now', '+8 hours')"  # Beijing time, in SQL
# A text that a robot refuses is tried with others at first, then by itself, and at last no more: it holds up nothing.
REFUSALS_TOGETHER, MOST_REFUSALS = 2, 12
MOST_ALONE = 5  # of a kind in one tick: robots take some twenty messages a minute


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
                _put(connection, alerts, transports, "null")
            for transport in transports:
                for kind in Kind:
                    try:
                        self._send(connection, transport, kind)
                    except TransportError as error:
                        failures.append(f"{transport.name}: {error}")
                        if isinstance(error, NotReachedError):
                            break
        return failures

    def new(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Those whose causes nobody has put in yet, each once."""
        with self._opened() as connection:
            known = {cause for (cause,) in connection.execute("select distinct cause from alerts")}
        return list({alert.cause: alert for alert in alerts if alert.cause not in known}.values())

    def hold(self, alerts: Sequence[Alert], transports: Sequence[Transport]) -> None:
        """Puts alerts in that are never to be sent, so that their causes count as told."""
        with self._opened() as connection, _alone(connection):
            _put(connection, alerts, transports, NOW)

    def forget(self, is_named: Callable[[str], bool]) -> int:
        """Removes alerts that name somebody, and the bytes of them. Returns how many."""
        with self._opened() as connection:
            connection.create_function("is_named", 1, is_named)
            connection.execute("pragma secure_delete = on")
            return connection.execute("delete from alerts where is_named(text) or is_named(cause)").rowcount

    def _send(self, connection: sqlite3.Connection, transport: Transport, kind: Kind) -> None:
        """Sends what is left of a kind: the first of it as one message, and by itself what was refused together with others.

        Of two processes one holds the file meanwhile, the other finds it sent.
        """
        with _alone(connection):
            left = connection.execute(
                """
                select cause, text, refusals from alerts
                where transport = ? and kind = ? and told_at is null and refusals < ? order by refusals, rowid
                """,
                (transport.name, kind, MOST_REFUSALS),
            ).fetchall()
            alerts = [(Alert(cause, kind, text), refusals) for cause, text, refusals in left]
            together = [alert for alert, refusals in alerts if refusals < REFUSALS_TOGETHER]
            alone = [[alert] for alert, refusals in alerts if refusals >= REFUSALS_TOGETHER]
            refused: TransportError | None = None
            for group in [together, *alone[:MOST_ALONE]] if together else alone[:MOST_ALONE]:
                message = message_of(group, transport.longest_text)
                causes = [(alert.cause, transport.name) for alert in group[: message.shown]]
                try:
                    transport.send(message.title, message.text)
                except NotReachedError as error:
                    refused = error
                    break
                except TransportError as error:
                    connection.executemany("update alerts set refusals = refusals + 1 where cause = ? and transport = ?", causes)
                    refused = error
                else:
                    connection.executemany(f"update alerts set told_at = {NOW} where cause = ? and transport = ?", causes)
        if refused:
            raise refused

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute(
                """
                create table if not exists alerts (
                    cause text, transport text, kind text not null, text text not null,
                    told_at text, -- Beijing time; null: not yet
                    refusals integer not null default 0,
                    primary key (cause, transport)
                )
                """
            )
            if "refusals" not in [column[1] for column in connection.execute("pragma table_info(alerts)")]:  # of an older kefu
                connection.execute("alter table alerts add column refusals integer not null default 0")
            yield connection
        finally:
            connection.close()


def _put(connection: sqlite3.Connection, alerts: Sequence[Alert], transports: Sequence[Transport], told_at: str) -> None:
    """Puts alerts in for each transport, but for those that are in; told_at: an SQL expression."""
    connection.executemany(
        f"insert or ignore into alerts (cause, transport, kind, text, told_at) values (?, ?, ?, ?, {told_at})",
        [(alert.cause, transport.name, alert.kind, alert.text) for alert in alerts for transport in transports],
    )


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
