"""A home that is restored goes on where the backup was made."""

import shutil
import sqlite3
import tarfile
import threading
from pathlib import Path

import dagster as dg
import pytest
from harness import FIXTURES, build, kefu, marts, query

from orchestration import backup
from orchestration import home as homes
from orchestration.home import one_writer, open_home
from orchestration.runs.instance import instance_of


@dg.asset
def seen() -> None:
    print("a line of its log")


@pytest.fixture(scope="module")
def backed_up(built_homes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home of case102 with something in Dagster's storage, and its backup."""
    folder = tmp_path_factory.mktemp("backup")
    home, archive = folder / "home", folder / "kefu.tar.gz"
    shutil.copytree(built_homes["case102"], home, symlinks=True)
    with instance_of(open_home(home)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("published_marts"))
        assert dg.materialize([seen], instance=instance).success
    outcome = kefu("backup", "--home", home, "--to", archive)
    assert outcome.code == 0, outcome.err
    return home, archive


def test_a_restored_home_has_everything_and_nothing_to_do(backed_up: tuple[Path, Path], tmp_path: Path) -> None:
    home, archive = backed_up
    outcome = kefu("restore", "--from", archive, "--home", tmp_path / "restored")
    assert outcome.code == 0, outcome.err
    assert marts(tmp_path / "restored") == marts(home)
    revisions = "from marts.metric_revisions order by all"
    assert query(tmp_path / "restored", revisions) == query(home, revisions), "no landing folder could bring these back"
    assert "nothing to do" in build(FIXTURES / "case102" / "landing", tmp_path / "restored").out
    with instance_of(open_home(tmp_path / "restored")) as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("published_marts")) is not None
        assert instance.get_latest_materialization_event(seen.key) is not None
        (run,) = instance.get_runs()
        assert not list((tmp_path / "restored").rglob(f"*{run.run_id}*")), "what a run logged is no part of a backup"
        assert instance.all_logs(run.run_id) == []


def test_a_backup_waits_for_a_build_and_holds_whole_sqlite_files(
    backed_up: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = backed_up
    archive, waits, is_over = tmp_path / "waited.tar.gz", threading.Event(), homes._Wait.is_over

    def noticed(wait: homes._Wait, reason: str) -> bool:
        waits.set()
        return is_over(wait, reason)

    monkeypatch.setattr(homes._Wait, "is_over", noticed)
    with one_writer(open_home(home)):
        waiting = threading.Thread(target=kefu, args=("backup", "--home", home, "--to", archive))
        waiting.start()
        while waiting.is_alive() and not waits.wait(0.1):
            pass
        assert waits.is_set(), "it went on while another wrote"
        assert not archive.exists()
        assert not list(tmp_path.iterdir()), "not even a part of it"
    waiting.join()
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "files")
    copies = list((tmp_path / "files" / "dagster").rglob("*.db"))
    assert copies
    for copy in copies:
        with sqlite3.connect(copy) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_backup_that_fails_leaves_nothing(
    backed_up: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = backed_up
    monkeypatch.setattr(backup, "_files", lambda home: iter([home.warehouse, home.path / "vanished"]))
    outcome = kefu("backup", "--home", home, "--to", tmp_path / "backup.tar.gz")
    assert outcome.code == 1 and "vanished" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_backed_up_or_restored_says_why(backed_up: tuple[Path, Path], tmp_path: Path) -> None:
    home, archive = backed_up
    (tmp_path / "no.tar.gz").write_text("this is no archive", encoding="utf-8")
    (tmp_path / "cut.tar.gz").write_bytes(archive.read_bytes()[:100_000])
    for arguments, told in (
        (("backup", "--home", tmp_path / "nowhere", "--to", tmp_path / "x"), "holds no warehouse"),
        (("backup", "--home", home, "--to", tmp_path / "no folder" / "x"), "No such file or directory"),
        (("restore", "--from", archive, "--home", home), "is not empty"),
        (("restore", "--from", tmp_path / "no.tar.gz", "--home", tmp_path / "a"), "no.tar.gz cannot be read"),
        (("restore", "--from", tmp_path / "cut.tar.gz", "--home", tmp_path / "b"), "cut.tar.gz cannot be read"),
        (("restore", "--from", tmp_path / "absent.tar.gz", "--home", tmp_path / "c"), "absent.tar.gz"),
    ):
        outcome = kefu(*arguments)
        assert outcome.code == 1
        assert told in outcome.err
        assert outcome.err.count("\n") == 1
    assert not (tmp_path / "b" / "warehouse.duckdb").exists(), "nothing half restored"
