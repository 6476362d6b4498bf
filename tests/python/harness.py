"""What the tests share: running the command in this process, reading the published marts, comparing them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from orchestration import language
from orchestration.bi import bundle
from orchestration.bi.plan import plan
from orchestration.cli import main
from orchestration.home import PROJECT, Home

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def free_port() -> int:
    """A port of the machine itself that nobody listens on."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


ENGLISH = re.compile(r"(?:\b[a-z]{2,}\b +){2}\b[a-z]{2,}\b")  # three words in a row
# What is looked up as it is put together, or comes from a seed in the language that is asked for, or from a library as it is.
WORDS = [re.sub(r"\\\{\w+\\\}", ".*", re.escape(english)) for english in language.chinese() if "{" in english]
NO_SENTENCE = re.compile("|".join([*(words for words in WORDS if len(words) > 25), r"no rows of .* have landed: .*"]))
OF_LIBRARIES = re.compile(" is no YAML: |Error -3 |Could not set lock|not a valid DuckDB|^--postgres: ")


def kefu(*arguments: object) -> Outcome:
    """Runs the command `kefu` in this process, which spares dbt's start. Fails where it says something that the catalogues do
    not have in Chinese; what `kefu explain` says is put together of more than lines.
    """
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    outcome = Outcome(code, out.getvalue(), err.getvalue())
    if language.language() == "en" and not {"explain", "--help"}.intersection(arguments):
        assert not (lines := untold(outcome)), f"no catalogue below orchestration/locale/sentences has this in Chinese: {lines}"
    return outcome


def untold(outcome: Outcome) -> list[str]:
    """What stays English of what a command said."""
    lines = (outcome.out + outcome.err).splitlines()[-1 if outcome.code == 2 else 0 :]  # how it is used is said before an error
    bare = (re.sub(r"^kefu[\w ]*: ", "", line) for line in lines)
    said = (line for line in bare if line not in language.chinese() and not NO_SENTENCE.match(line[:300]))  # it is slow
    ours = (line for line in said if not OF_LIBRARIES.search(line))
    return [line for line in ours if ENGLISH.search(re.sub(r"`[^`]*`|--\w+", "", language.in_chinese(line)))]


def copy_project(target: Path) -> Path:
    """The project without its tests in Python and dbt's unit tests, which take long to read, for tests that change its rules."""
    for folder in ("orchestration", "models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(PROJECT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "*__unit_tests.yml"))
    for file in PROJECT.glob("*.yml"):
        shutil.copy(file, target / file.name)
    return target


BUILDS = """
import sys
from orchestration.cli import main
for home in sys.argv[2:]:
    if code := main(["build", "--landing", sys.argv[1], "--home", home]):
        sys.exit(code)
"""


def build_of(project: Path, landing: Path, *homes: Path) -> Outcome:
    """`kefu build` of another copy of the project, one process for all homes: dbt takes long to read it. Ends where one fails."""
    run = subprocess.run(
        [sys.executable, "-c", BUILDS, str(landing), *map(str, homes)],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    return Outcome(run.returncode, run.stdout, run.stderr)


def build(landing: Path, home: Path, *more: object) -> Outcome:
    """`kefu build` that has to succeed."""
    outcome = kefu("build", "--landing", landing, "--home", home, *more)
    assert outcome.code == 0, outcome.err
    return outcome


@contextmanager
def postgres_server() -> Iterator[str]:
    """Debian's PostgreSQL with a cluster of its own, as the URL of its administrator without the database."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="kefu-postgres-", dir="/tmp"))
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_owner:
        shutil.chown(folder, "postgres")
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"

    def run(*command: object) -> None:
        subprocess.run([*as_owner, *map(str, command)], check=True, capture_output=True, cwd=folder)

    try:
        run(binaries / "initdb", "-D", folder / "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        run(binaries / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start")
        yield f"postgresql://owner@127.0.0.1:{port}"
    finally:
        run(binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[int]:
    """A process that runs the code, says so, and waits."""
    command = [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()", *map(str, arguments)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.communicate("\n")


def words_of_dashboards(home: Path) -> set[str]:
    """Every English text of the dashboards; those of `kefu live` too, which a home without it leaves out."""
    asked: set[str] = set()

    def noted(english: str) -> str:
        asked.add(english)
        return language._(english)

    with patch.object(bundle, "_", noted):
        plan(Home(home))
        for dataset in bundle.datasets().values():
            if "database" in dataset:
                noted(dataset["text"])
                for column in re.findall(r"(\w+),?$", bundle.rendered(dataset["sql"]), re.MULTILINE)[1:-1]:
                    bundle.label(column)
        for dashboard in bundle.dashboards().values():
            asked.update(chart["title"] for chart in dashboard["charts"].values())
    return asked


def copied(landing_and_home: tuple[Path, Path], folder: Path) -> tuple[Path, Path]:
    """Copies a landing folder and a home into a folder, for a test to change."""
    for source, name in zip(landing_and_home, ("landing", "home"), strict=True):
        shutil.copytree(source, folder / name, symlinks=True)
    return folder / "landing", folder / "home"


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the published marts."""
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def warehouse(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the pipeline's own database."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def marts(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every published mart, its rows sorted, so that two homes can be compared whole.

    Without metric_revisions, which tells how a home came to its state and not what the state is.
    """
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' and table_name <> 'metric_revisions'"
        ).fetchall()
        return {table: connection.execute(f"from marts.{table} order by all").fetchall() for (table,) in tables}
