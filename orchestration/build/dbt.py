"""dbt on a home's warehouse, in this process."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import dbt.version
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode, SeedNode
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager

from orchestration.build.checks import LastRun, one_line
from orchestration.build.state import fingerprint, opened
from orchestration.errors import KefuError
from orchestration.home import PROJECT, Home, scratch, written_aside
from orchestration.landing.deliveries import nearest
from orchestration.spark.engine import DUCKDB, SPARK, engine


def dbt_environment(home: Home) -> dict[str, str]:
    """The environment that profiles.yml reads."""
    return {"KEFU_HOME": str(home.path)}


def check_marts(home: Home, names: Sequence[str]) -> None:
    """Raises KefuError for what is no mart, with the one that may be meant."""
    marts = {node.name for node in _project(home)[0].nodes.values() if node.schema == "marts"}
    for name in names:
        if name not in marts:
            meant = nearest(name, marts)
            raise KefuError(f"--select {name} is no mart" + (f"; did you mean {meant}?" if meant else ""))


def models_with(home: Home, meta: str) -> list[dict[str, Any]]:
    """The models whose meta has a key."""
    nodes = _project(home)[0].nodes.values()
    models = [node for node in nodes if isinstance(node, ModelNode) and meta in node.config.meta]
    return [{"name": node.name, "relation_name": node.relation_name, "meta": node.config.meta} for node in models]


# What proves the code, or says who reads the marts, is no step of a build, and dbt would look through it each time.
OF_NO_BUILD = ("unit_tests", "exposures", "metrics", "semantic_models", "saved_queries")


def run_dbt(home: Home, arguments: Sequence[str], report: Callable[[str], None]) -> None:
    """Runs dbt in this process, on the engine that the environment names, and reports the checks that warn. KefuError tells the
    first things that failed.
    """
    manifest, text = _project(home, engine())
    _write(home.dbt / "manifest.json", text)  # checks look there, however early dbt's run ends
    if arguments[0] == "build":
        manifest = copy(manifest)
        for kind in OF_NO_BUILD:
            setattr(manifest, kind, {})
        manifest.build_flat_graph()
    runner = dbtRunner(manifest=manifest, callbacks=[_progress(report)])
    arguments = [*arguments, "--no-write-json", *_options(home, home.dbt, engine())]
    with _closing():
        result = _invoke(runner, arguments) if engine() == DUCKDB else _on_spark(home, manifest, runner, arguments, report)
    if isinstance(result.result, RunExecutionResult):  # by hand, as dbt would write all that it has read once more with it
        result.result.write(str(home.dbt / "run_results.json"))
    last_run = LastRun(home)
    with home.connect() as connection:
        if not result.success:
            raise KefuError(last_run.failure(connection) or f"dbt failed: {one_line(result.exception)}")
        for warning in last_run.warnings(connection):
            report(warning)


def _on_spark(
    home: Home, manifest: Manifest, runner: dbtRunner, arguments: list[str], report: Callable[[str], None]
) -> dbtRunnerResult:
    """Runs dbt on Spark. The warehouse has what it made then: tables as they lie there, views as DuckDB makes them."""
    from orchestration.spark.run import Made, found_rows, on_spark
    from orchestration.spark.session import where_it_ran

    sources = [f"{source.schema}.{source.identifier}" for source in manifest.sources.values() if source.schema != "staging"]
    made = [
        Made(node.schema, node.alias, is_seed=isinstance(node, SeedNode))
        for node in manifest.nodes.values()
        if isinstance(node, SeedNode) or (isinstance(node, ModelNode) and node.config.materialized != "view")
    ]
    with on_spark(home, sources, made, anew="--full-refresh" in arguments) as spark:
        result = _invoke(runner, arguments)
        for line in where_it_ran(spark):
            report(line)
        if not isinstance(result.result, RunExecutionResult):
            return result
        for each in result.result:
            if each.node.resource_type == "test" and each.status in ("fail", "warn"):
                each.node.compiled_code = found_rows(spark, home, each.node.unique_id, each.node.compiled_code)
        if not any(each.status == "error" for each in result.result):
            with opened(home) as state:
                state.mark_computing(is_whole=True)
    views = [each.node for each in result.result if isinstance(each.node, ModelNode) and each.status == "success"]
    names = [node.name for node in views if node.config.materialized == "view"]
    if names:
        run = ["run", "--select", *names, "--no-write-json", *_options(home, home.dbt)]
        seen = _invoke(dbtRunner(manifest=_project(home)[0]), run)
        if not seen.success:
            failed = [each.message for each in seen.result or () if each.status == "error"]  # type: ignore[union-attr]
            raise KefuError(f"dbt failed: {one_line(seen.exception or failed[0])}")
    return result


@contextmanager
def _closing() -> Iterator[None]:
    """Closes the warehouse, which dbt keeps open in this process, where others are to open it next."""
    try:
        yield
    finally:
        reset_adapters()  # type: ignore[no-untyped-call]
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def compiled(home: Home, selection: str) -> list[dict[str, Any]]:
    """Loads every seed into a home's warehouse. Returns the models of a selection in their order, with the SQL that makes each
    from nothing.
    """
    manifest, _ = _project(home)
    runner = dbtRunner(manifest=manifest)
    with _closing():
        for command in (["seed"], ["compile", "--select", selection]):
            result = _invoke(runner, [*command, "--full-refresh", "--no-write-json", *_options(home, home.dbt)])
            if not result.success:
                raise KefuError(f"dbt {command[0]} failed: {one_line(result.exception or result.result)}")
    assert isinstance(result.result, RunExecutionResult)
    nodes = [each.node for each in result.result if each.node.resource_type == "model"]
    return [
        {
            "name": node.name,
            "alias": node.alias,
            "schema": node.schema,
            "folder": node.fqn[1],
            "relation_name": node.relation_name,
            "materialized": node.config.materialized,
            "meta": node.config.meta,
            "depends_on": node.depends_on.nodes,
            "compiled_code": node.compiled_code,
            "description": node.description,
            "columns": {column: each.to_dict() for column, each in node.columns.items()},
        }
        for node in nodes
    ]


def documentation(home: Home, change: Callable[[dict[str, Any]], None]) -> str:
    """dbt's documentation of the project and a home's warehouse as one page, after a change to its manifest."""
    read, text = _project(home)
    manifest = json.loads(text)
    change(manifest)
    with scratch(home.temporary) as folder, _closing():
        Path(folder, "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")  # which dbt takes, and does not write
        runner = dbtRunner(manifest=read)
        done = _invoke(runner, ["docs", "generate", "--static", "--no-compile", *_options(home, folder)])
        if not done.success:
            raise KefuError(f"dbt docs failed: {one_line(done.exception)}")
        return Path(folder, "static_index.html").read_text(encoding="utf-8")


class _Events(EventManager):
    """dbt's events but for those of its debug log, which nobody reads here: their messages take an eighth of a small build."""

    def fire_event(
        self, e: BaseEvent, level: EventLevel | None = None, node: Any = None, force_warn_or_error_handling: bool = False
    ) -> None:
        if (level or e.level_tag()) != EventLevel.DEBUG:
            super().fire_event(e, level, node, force_warn_or_error_handling)


def _invoke(runner: dbtRunner, arguments: list[str]) -> dbtRunnerResult:
    """Runs dbt without its process's command line, which it would write into its files: a buyer to forget may stand there."""
    ctx_set_event_manager(_Events())
    command_line, sys.argv = sys.argv, sys.argv[:1]
    try:
        return runner.invoke(arguments)
    finally:
        sys.argv = command_line


def manifest_path(home: Home) -> Path:
    """Has dbt read the project as it is now, into a file of the home that is whole at any moment."""
    return _write(home.dbt / "project.json", _project(home)[1])


# By engine, whose macros are others, and fingerprint of the project's files: one process reads it once.
_projects: dict[tuple[str, str], tuple[Manifest, bytes]] = {}
READ = ("dbt_project.yml", "profiles.yml", "vars.yml", "models", "macros", "seeds", "tests/dbt")  # of what dbt makes a project


def _project(home: Home, on: str = DUCKDB) -> tuple[Manifest, bytes]:
    """The project as dbt reads it now for an engine, and as the text of a manifest.json."""
    os.environ.update(dbt_environment(home))
    found = [path for each in READ for path in [PROJECT / each, *(PROJECT / each).rglob("*")] if path.is_file()]
    project = fingerprint([Path(dbt.version.__file__), *sorted(found)])
    if (on, project) not in _projects:
        folder = home.dbt if on == DUCKDB else home.dbt / on
        folder.mkdir(exist_ok=True)
        _projects[on, project] = _parsed_before(folder, project) or _parse(folder, project, home, on)
        gc.freeze()  # what was read stays: to look through it for garbage takes a tenth of a small build
    return _projects[on, project]


def _parsed_before(folder: Path, project: str) -> tuple[Manifest, bytes] | None:
    """The project as dbt read it for the home when its files were the same."""
    try:
        packed, text = ((folder / f"{project}.{ending}").read_bytes() for ending in ("msgpack", "json"))
    except FileNotFoundError:
        return None
    manifest = Manifest.from_msgpack(packed)
    manifest.build_flat_graph()
    return manifest, text


def _parse(kept: Path, project: str, home: Home, on: str) -> tuple[Manifest, bytes]:
    """Has dbt read the project, in a folder of its own: several processes may do so at once."""
    read_before = kept / "partial_parse.msgpack"
    with scratch(home.temporary) as folder:
        read_now = Path(folder, read_before.name)
        if read_before.exists():
            shutil.copyfile(read_before, read_now)
        # No warehouse is asked for, and with another path in the profile dbt would read everything anew.
        os.environ.update(dbt_environment(Home(Path("home"))))
        parsed = _invoke(dbtRunner(), ["parse", *_options(home, folder, on)])
        os.environ.update(dbt_environment(home))
        if not isinstance(parsed.result, Manifest):
            raise KefuError(f"the dbt project cannot be read: {one_line(parsed.exception)}")
        text = Path(folder, "manifest.json").read_bytes()
        for other in (path for ending in ("msgpack", "json") for path in kept.glob(f"{'?' * len(project)}.{ending}")):
            other.unlink(missing_ok=True)
        _write(kept / f"{project}.msgpack", read_now.read_bytes())
        _write(kept / f"{project}.json", text)
        read_now.replace(read_before)
        return parsed.result, text


def _write(path: Path, content: bytes) -> Path:
    """Writes a file of dbt's folder aside and puts it in place whole."""
    with written_aside(path) as aside:
        aside.write_bytes(content)
    return path


def _options(home: Home, target: Path | str, on: str = DUCKDB) -> list[str]:
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *(("--target", SPARK) if on == SPARK else ())),
        *("--target-path", str(target), "--log-path", str(home.logs), "--log-level", "none", "--quiet"),
    ]


def _progress(report: Callable[[str], None]) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        if event.info.name == "LogModelResult" and event.data.execution_time >= 1:
            report(f"built {event.data.node_info.node_name} ({event.data.execution_time:.1f} s)")

    return tell
