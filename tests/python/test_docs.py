"""The documents say what is there, and every command in them runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest
from dagster._cli import create_dagster_cli
from harness import FIXTURES, kefu, query

from orchestration.home import PROJECT, open_home
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import write_settings
from orchestration.sample.demo import summary

pytestmark = pytest.mark.readers

README = PROJECT / "README.md"
TEXT = README.read_text(encoding="utf-8")
DOCUMENTS = [README, PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROGRAM = Path(sys.executable).with_name

# What another test runs, by how it begins.
RUN_ELSEWHERE = {
    "flowchart LR": "test_docs.py::test_the_drawing_is_true",
    "rounds (轮次)": "test_docs.py::test_what_the_demo_prints",
    "searched landing: ": "test_forget.py::test_it_says_what_went_and_that_nothing_is_left",
    "landing/taobao/messages/dt=": "test_landing.py::test_text_formats_give_the_same_row",
    "$ kefu import ": "test_import.py::test_the_sessions_of_the_document",
    "kefu import FILE": "test_import.py::test_the_sessions_of_the_document",
    "T-44,": "test_recipes.py::test_a_clause",
    "taobao,opened_by_work_order,": "test_recipes.py::test_a_clause",
    "work_orders as (": "test_recipes.py::test_a_clause",
    "- name: T_44_": "test_recipes.py::test_its_unit_test_runs",
    "taobao,answered_rate,": "test_recipes.py::test_a_metric",
    "answered as (": "test_recipes.py::test_a_metric",
    "taobao,week,week,": "test_recipes.py::test_a_period",
    ".venv-spark/bin/kefu build --landing LANDING --home HOME --engine spark": "test_spark.py::test_a_full_build_equals_duckdb_s",
    "kefu live --landing DIR --home DIR --port ": "test_live.py::test_the_page_shows_a_message_until_it_is_answered",
    "kefu generate ... --live ": "test_live.py::test_the_next_day_of_the_sample_comes_alive",
    "kefu publish --home DIR --postgres ": "test_export.py::test_postgres_has_every_row_type_and_description",
    ".venv/bin/kefu publish --home home --postgres ": "test_export.py::test_postgres_has_every_row_type_and_description",
    "create role li ": "test_export.py::test_a_shops_people_see_their_shop",
    "select * from read_parquet('parquet/": "test_export.py::test_parquet_files_have_every_row",
    "simulated beside published": "test_simulate.py::test_what_the_document_shows",
    "KEFU_HOME=demo/home .venv/bin/dbt parse ": "test_semantic_layer.py::test_it_gives_the_figures_of_each_day",
    "KEFU_HOME=demo/home .venv/bin/mf query ": "test_semantic_layer.py::test_it_gives_the_figures_of_each_day",
    "name,role,platform,shop_id": "test_bi.py::test_the_people_of_the_document",
    # Here their options, assets and partitions are looked at.
    ".venv/bin/dagster job execute -m orchestration.runs.definitions -j daily_build ": (
        "test_dagster.py::test_one_run_over_a_range_builds_those_dates_and_the_rest_follows"
    ),
    ".venv/bin/dagster asset materialize -m orchestration.runs.definitions --select marts/service_metrics ": (
        "test_dagster.py::test_a_backfill_of_one_mart_is_published_with_rows_figures_and_a_picture"
    ),
    ".venv/bin/dagster asset materialize -m orchestration.runs.definitions --select marts/taobao_grades ": (
        "test_dagster.py::test_a_month_closes_once_every_day_has_landed_and_passed"
    ),
}

# What changes the machine or needs another one. The files and services of kefu that these name have to exist.
OF_THE_MACHINE = {
    "useradd ": "adds a user of the system",
    "install ": "makes folders and files of other owners",
    "cp /opt/kefu/": "writes to /etc",
    "mv /var/lib/kefu/": "moves the home of the service",
    "systemctl ": "needs systemd",
    "journalctl ": "needs systemd",
    "sudo -u kefu ": "needs the user kefu",
    "git clone ": "needs a remote repository",
    "git -C /opt/kefu ": "needs a remote repository",
    "openssl ": "is no part of kefu",
    "apt-get ": "installs packages of the system",
    "sed 's/kefu.example.com/NAME/' /opt/kefu/": "writes to /etc",
    "ln -s /etc/": "writes to /etc",
    'echo "ada:': "writes to /etc",
    "chown ": "writes to /etc",
    "chmod ": "writes to /etc",
    "nginx ": "needs the nginx of the service; its configuration is tested in test_proxy.py",
    "pre-commit": "is no part of requirements-dev.lock",
}
# In running text, only what begins with one of these is a command.
PROGRAMS = {"git", "grep", "journalctl", "kefu", "make", "openssl", "pre-commit", "sudo", "systemctl"}
RUN_HERE = {"kefu", "python", "pytest", "dagster", "make", "grep", "sql"}


@dataclass(frozen=True)
class Command:
    document: str
    text: str
    kind: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def elsewhere(self) -> str | None:
        return next((test for start, test in RUN_ELSEWHERE.items() if self.text.startswith(start)), None)

    @property
    def is_of_the_machine(self) -> bool:
        return any(self.text.startswith(start) for start in OF_THE_MACHINE)


def code_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Language and code of each fenced block, and of each part of an indented one that an empty line ends."""
    for language, code in FENCE.findall(text):
        yield language, dedent(code).strip()
    for part in re.split(r"\n\s*\n", FENCE.sub("", text)):
        if part.strip("\n").startswith("    "):
            code = dedent(part.strip("\n"))
            yield "sql" if re.match(r"(-- .*\n)*(select|with)\b", code) else "", code


def shell_commands(code: str) -> Iterator[str]:
    """Commands of a block, without their comments: joined over lines, loops unrolled, `a && b` as two."""
    pending = ""
    for line in code.splitlines():
        pending += re.sub(r"\s+# .*$", "", line) + "\n"
        if pending.count("'") % 2 or pending.count('"') % 2 or ("; do" in pending and "done" not in pending):
            continue
        loop = re.match(r"for (\w+) in (.*?); do\s+(.*); done\n", pending, re.DOTALL)
        bodies = [loop[3].replace(f"${loop[1]}", word) for word in loop[2].split()] if loop else [pending.strip()]
        pending = ""
        for body in bodies:
            yield from body.split(" && ")
    if pending:
        yield pending.strip()


def commands_of(name: str, text: str) -> Iterator[Command]:
    for language, code in code_blocks(text):
        if language or any(code.startswith(start) for start in RUN_ELSEWHERE if ".venv" not in start):
            yield Command(name, code, language)
        else:
            for command in shell_commands(code):
                yield Command(name, command, "")
    prose = FENCE.sub("", text)
    for table in re.findall(r"^\| command \|.*\n\|[-|]+\n((?:\|.*\n)+)", prose, re.MULTILINE):
        for row in table.splitlines():
            for command in re.findall(r"`([^`]+)`", row.split("|")[1]):
                yield Command(name, command, "")
    for span in re.findall(r"`([^`\n]+)`", prose):
        if span.split()[0] in PROGRAMS and span != "kefu":
            yield Command(name, span, "")


def program(command: Command) -> str:
    return command.kind or command.text.removeprefix(".venv/bin/").split()[0]


def unknown(commands: list[Command]) -> list[str]:
    return [
        f"{command.document}: {command.text}"
        for command in commands
        if program(command) not in RUN_HERE and not command.elsewhere and not command.is_of_the_machine
    ]


COMMANDS = list(
    dict.fromkeys(command for path in DOCUMENTS for command in commands_of(path.name, path.read_text(encoding="utf-8")))
)


def run_here(name: str) -> list[Command]:
    found = [command for command in COMMANDS if program(command) == name]
    assert found, f"no document has a command of {name}"
    return found


# --- what is written


def test_the_drawing_is_true(built_homes: dict[str, Path]) -> None:
    """At most ten boxes, each folder of models among them, and no arrow that no model follows."""
    (drawing,) = re.findall(r"```mermaid\n(.*?)```", TEXT, re.DOTALL)
    boxes = dict(re.findall(r'(\w+)\[\(?"(.*?)"\)?\]', drawing))
    assert len(boxes) <= 10
    folders = {path.name for path in (PROJECT / "models").iterdir() if path.is_dir()}
    box_of = {path: box for box, label in boxes.items() for path in re.findall(r"models/([\w/]+)", label)}
    assert {path.split("/")[0] for path in box_of} == folders
    assert "kefu.duckdb" in drawing and "landing" in boxes

    manifest = json.loads((built_homes["case101"] / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    boxes_of_nodes = dict.fromkeys(manifest["sources"], box_of["sources"])
    for name, node in manifest["nodes"].items():
        if node["resource_type"] == "model":
            folder = node["fqn"][1]
            boxes_of_nodes[name] = box_of.get(f"{folder}/{node['name']}", box_of[folder])
    followed = {
        (boxes_of_nodes.get(source), boxes_of_nodes[name])
        for name in boxes_of_nodes
        if name in manifest["nodes"]
        for source in manifest["nodes"][name]["depends_on"]["nodes"]
    }
    followed |= {("landing", box_of["sources"]), (box_of["marts"], "published")}
    arrows = re.sub(r'\[\(?".*?"\)?\]', "", drawing)
    drawn = {
        (one.strip(), other.strip())
        for left, right in re.findall(r"^\s*(\w+(?: & \w+)*) --> (\w+(?: & \w+)*)$", arrows, re.MULTILINE)
        for one in left.split("&")
        for other in right.split("&")
    }
    assert len(re.findall("-->", drawing)) == len(re.findall(r"^\s*\w.* --> .*\w$", arrows, re.MULTILINE))
    assert drawn and drawn <= followed, drawn - followed


def test_every_mart_is_in_the_table_of_marts(built_homes: dict[str, Path]) -> None:
    marts = {
        name for (name,) in query(built_homes["case101"], "select table_name from duckdb_tables() where schema_name = 'marts'")
    }
    section = TEXT[TEXT.index("## The marts") : TEXT.index("## Where each rule lives")]
    named = {name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == marts


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_exist(path: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", [*DOCUMENTS, PROJECT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    """Of the project's own folders; what is to be made by following a recipe is named with <platform> or <case>."""
    folders = "models|orchestration|seeds|deploy|macros"
    for name in re.findall(rf"`((?:{folders})/[\w/.-]+)`", path.read_text(encoding="utf-8")):
        assert (PROJECT / name).exists(), name


def test_the_figures_of_the_real_chats(built_homes: dict[str, Path]) -> None:
    rows = query(
        built_homes["irc-support"],
        """
        select metric, period_start, period_end, numerator, denominator, value
        from marts.service_metrics where platform = 'taobao' and subject = 'shop' and period = 'month'
        """,
    )
    assert rows
    for metric, start, end, numerator, denominator, value in rows:
        shown = f"{value:.1%}".replace("%", " %") if metric == "response_rate_3min" else f"{value:.1f} s"
        assert f"| {metric} | {start} to {end} | {numerator:,.0f} | {denominator:,.0f} | {shown} |" in TEXT


def test_what_the_demo_prints(built_homes: dict[str, Path]) -> None:
    """README's excerpt has the words of what is printed; its figures are those of the sample."""
    home = open_home(built_homes["case101"])
    (shown,) = [code for _, code in code_blocks(TEXT) if code.startswith("rounds (轮次)")]
    printed = summary(home, FIXTURES / "case101" / "landing").replace(str(home.path), "demo/home")
    seeds = "".join((PROJECT / "seeds" / f"{seed}.csv").read_text(encoding="utf-8") for seed in ("exclusion_reasons", "metrics"))
    for word in re.findall(r"[a-z]\S+", re.sub(r"\w+ to \d{4}-\S+|\S+/\S*\d{4}-\S+", "", shown)):
        assert word in printed or f",{word}," in seeds, word


def test_every_command_has_help() -> None:
    for command in (
        *(
            "build",
            "import",
            "check",
            "rejected",
            "generate",
            "explain",
            "live",
            "report",
            "docs",
            "simulate",
            "publish",
            "template",
        ),
        *("forget", "backup", "restore"),
    ):
        outcome = kefu(command, "--help")
        assert outcome.code == 0
        assert f"kefu {command}" in TEXT
        assert "usage: kefu" in outcome.out


# --- what is to be typed


def test_every_command_is_run_by_a_test() -> None:
    assert not unknown(COMMANDS), "run these here, or name the test that does in RUN_ELSEWHERE"


def test_a_command_that_no_test_runs_is_told() -> None:
    table = "| command | |\n|---|---|\n| `frob --all` | frobs |\n"
    text = f"Do this:\n\n    curl example.org | sh    # at once\n    make test\n\n{table}"
    assert unknown(list(commands_of("new.md", text))) == ["new.md: curl example.org | sh", "new.md: frob --all"]
    assert unknown(list(commands_of("new.md", "```json\n{}\n```\n"))) == ["new.md: {}"]


def test_the_tables_hold_nothing_that_is_gone() -> None:
    for start, test in RUN_ELSEWHERE.items():
        file, _, function = test.partition("::")
        assert f"def {function}(" in (Path(__file__).parent / file).read_text(encoding="utf-8"), test
        assert any(command.text.startswith(start) for command in COMMANDS), start
    for start in OF_THE_MACHINE:
        assert any(command.text.startswith(start) for command in COMMANDS), start


def test_commands_of_the_machine_name_what_kefu_has() -> None:
    services = PROJECT / "deploy" / "systemd"
    for command in COMMANDS:
        if command.is_of_the_machine:
            for path in re.findall(r"/opt/kefu/(\S+)", command.text):
                assert list(PROJECT.glob(path)), command.text
            if command.text.startswith(("systemctl", "journalctl")):
                for unit in re.findall(r"kefu-[\w.]+", command.text):
                    assert (services / unit).exists() or (services / f"{unit}.service").exists(), command.text


@dataclass(frozen=True)
class Place:
    """Where commands run: a landing folder and the home built of it, both copies, and ids that are in them."""

    folder: Path
    ids: dict[str, str]

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def arguments(self, words: list[str], number: int) -> list[str]:
        """A command's arguments, with what is really there in the place of what a document writes for it."""
        new, day = self.folder / f"new{number}", self.ids["DAY"]
        words = " ".join(words).replace("...", "--landing DIR --home DIR").split()
        values = {"--landing": self.landing, "--home": self.home, "--to": self.folder / "backup.tar.gz", "--start": day}
        values |= {"--end": day, "--from": self.folder / "backup.tar.gz", "--buyer": self.ids["BUYER"]}
        values |= {"--days": 1, "--shops": 1, "--agents": 1, "--messages-per-day": 20}
        if words[0] in ("generate", "restore"):
            values |= {"--landing": new, "--home": new}
        if "tests/python/fixtures/irc-support/landing" in words:
            values |= {"--landing": FIXTURES / "irc-support" / "landing", "--home": self.folder / "demo" / "real"}
        if "--select" in words:
            values["--home"] = new
        if words[0] in ("report", "docs") and "--to" in words:
            values |= {
                "--to": (self.folder / "report").with_suffix(Path(words[words.index("--to") + 1]).suffix),
                "--period": day[:7],
            }
        if words[0] == "simulate":
            there = {"DIR": str(self.home), "demo/home": str(self.home), "PARAMETER=VALUE": "response_target_seconds=120"}
            words = [self.ids["DAY"] if re.fullmatch(r"\d{4}-\d\d-\d\d", word) else there.get(word, word) for word in words]
            return [str(self.folder / word) if word.endswith(".csv") else word for word in words]
        if words[0] == "template":
            values |= {"--to": new, "--platform": "taobao"}
        if words[0] == "publish":
            values["--parquet"] = self.folder / "parquet"
        filled = [str(values.get(before, word)) for before, word in zip(["", *words], words, strict=False)]
        if words[0] == "check" and len(words) > 1:
            filled[1] = str(self.landing)
        if words[0] == "explain" and len(words) > 1:
            for placeholder, value in self.ids.items():
                filled[1] = filled[1].replace(placeholder, value)
        return filled


@pytest.fixture(scope="module")
def place(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("documents")
    shutil.copytree(FIXTURES / "case101" / "landing", folder / "landing")
    shutil.copytree(built_homes["case101"], folder / "home", symlinks=True)
    shutil.copytree(built_homes["irc-support"], folder / "demo" / "real", symlinks=True)
    (folder / "demo" / "home").symlink_to(folder / "home")
    ids = {
        "ROUND_ID": "min(round_id) from marts.kuaishou_rounds",
        "SESSION_ID": "min(session_id) from marts.xiaohongshu_sessions",
        "CARD_ID": "min(card_id) from marts.taobao_ratings",
        "STREAK_ID": "min(streak_id) from marts.taobao_message_streaks",
        "ENTRY_ID": "min(entry_id) from marts.taobao_priority_receptions",
        "PLATFORM/SHOP/YYYY-MM-DD/METRIC": "min(platform || '/' || shop_id || '/' || period_end || '/' || metric) "
        "from marts.service_metrics where subject = 'shop' and period = 'day'",
        "DAY": "max(business_date) from marts.kuaishou_rounds",
        "BUYER": "min(buyer_id) from marts.taobao_rounds",
    }
    return Place(folder, {name: str(query(folder / "home", f"select {what}")[0][0]) for name, what in ids.items()})


def test_commands_of_kefu(place: Place) -> None:
    forms: dict[tuple[str, ...], str] = {}
    for number, command in enumerate(command for command in run_here("kefu") if not command.elsewhere):
        words = command.words[1:]
        form = ("--help",) if len(words) == 1 else ()
        forms.setdefault((*place.arguments(words, number), *form), command.text)
    order = [
        "explain",
        "backup",
        "restore",
        "generate",
        "check",
        "rejected",
        "import",
        "build",
        "live",
        "report",
        "docs",
        "template",
        "simulate",
        "publish",
        "compact",
        "forget",
    ]  # restore reads a backup, forget comes last
    for arguments in sorted(forms, key=lambda arguments: order.index(arguments[0])):
        outcome = kefu(*arguments)
        assert outcome.code == 0, f"{forms[arguments]}: {outcome.err}"
        assert outcome.out, forms[arguments]


def test_python_and_sql(place: Place) -> None:
    for command in run_here("python"):
        run = subprocess.run([sys.executable, *command.words[1:]], cwd=place.folder, capture_output=True, text=True)
        assert run.returncode == 0, f"{command.text}: {run.stderr}"
        assert run.stdout
        shown = re.findall(r"^\| \w+ \| 20.*? \| ([\d,]+) \|", TEXT, re.MULTILINE) if "demo/real/" in command.text else []
        for figure in shown:
            assert figure.replace(",", "") in run.stdout, figure
    for command in run_here("sql"):
        if not command.elsewhere:
            query(place.home, command.text)


def test_targets_of_make() -> None:
    assert PROJECT.joinpath("Makefile").exists()
    for command in run_here("make"):
        arguments = [word for word in command.words[1:] if word not in ("-C", "/opt/kefu")]
        run = subprocess.run(["make", "-n", *arguments], cwd=PROJECT, capture_output=True, text=True)
        assert run.returncode == 0, f"{command.text}: {run.stderr}"
        for faults in re.findall(r"for fault in (.*?);", run.stdout):
            for fault in faults.split():
                assert (PROJECT / "tests" / "faults" / f"{fault}.py").exists(), command.text
        for module in re.findall(r"python -m ([\w.]+\w)(?=\s)", run.stdout):
            assert find_spec(module), f"{command.text}: {module}"
        for path in re.findall(r"\btests/[\w/.]+", run.stdout.replace("PYTHONPATH=tests:tests/python", "")):
            assert (PROJECT / path).exists(), f"{command.text}: {path}"


def test_pytest_and_grep() -> None:
    collected = [PROGRAM("pytest"), "--collect-only", "-q", "-p", "no:cacheprovider"]
    words = [word for command in run_here("pytest") for word in command.words[1:]]
    run = subprocess.run([*collected, *words], cwd=PROJECT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    for command in run_here("grep"):
        run = subprocess.run(command.words, cwd=PROJECT, capture_output=True, text=True)
        assert all(f"{folder}/" in run.stdout for folder in command.words[-2:]), command.text


def test_commands_of_dagster(place: Place) -> None:
    """Each has the options and names what is there; the first to start a schedule and a sensor really do."""
    home = open_home(place.home)
    write_settings(home)
    defs = definitions(home, place.landing)
    graph = defs.resolve_asset_graph()
    started: dict[str, subprocess.CompletedProcess[str]] = {}
    settings = {"KEFU_HOME": str(place.home), "KEFU_LANDING": str(place.landing), "DAGSTER_HOME": str(home.dagster)}
    for command in run_here("dagster"):
        group, action, *rest = command.words[1:]
        parsed = create_dagster_cli().commands[group].commands[action].make_context(action, list(rest)).params  # type: ignore[attr-defined]
        assert "orchestration.runs.definitions" in rest, command.text
        if action == "materialize":
            partitions = graph.get(next(key for key in graph.get_all_asset_keys() if key.to_user_string() == parsed["select"]))
            for key in (parsed["partition"] or parsed["partition_range"]).split("..."):
                assert partitions.partitions_def and partitions.partitions_def.has_partition_key(key), command.text
        else:
            name = parsed[f"{group}_name"]
            name = name if isinstance(name, str) else name[0]
            assert name in {each.name for each in getattr(defs, f"{group}s") or ()}, command.text
            if group not in started and not command.elsewhere:
                started[group] = subprocess.run(  # one after the other: both have dbt read the project into the home
                    [PROGRAM("dagster"), *command.words[1:]],
                    cwd=PROJECT,
                    env=os.environ | settings,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=300,
                )
    assert set(started) == {"schedule", "sensor"}
    for group, process in started.items():
        assert process.returncode == 0 and f"Started {group}" in process.stdout, process.stdout


def test_every_promise_names_tests_that_there_are() -> None:
    named = re.findall(r"`(test_\w+)\.py::(\w+)`", (PROJECT / "docs" / "guarantees.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (PROJECT / "tests" / "python" / f"{file}.py").read_text(encoding="utf-8"), f"{file}::{test}"
