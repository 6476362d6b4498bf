"""Where kefu writes: folders it knows as its own, one writer at a time, nothing outside, nothing half."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import duckdb
import pytest
from harness import build, kefu, query

from orchestration import home as homes
from orchestration.build import publish
from orchestration.home import PROJECT, Home, open_home
from orchestration.privacy import files


def deliver(landing: Path, user: str = "u", dt: str = "2025-10-02") -> Path:
    """A delivery of one message of Kuaishou; its file."""
    folder = landing / "kuaishou" / "messages" / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    row = {"message_id": f"m-{user}", "session_id": f"c-{user}", "shop_id": "s", "user_id": user, "sender_kind": "user"}
    (folder / f"{user}.jsonl").write_text(json.dumps({**row, "sent_at": "2025-10-01 12:00:00"}), encoding="utf-8")
    return folder / f"{user}.jsonl"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("places")
    deliver(folder / "landing")
    told = build(folder / "landing", folder / "home").out.splitlines()
    missing = [line for line in told if line.startswith("no rows of ")]
    assert missing[0] == (
        "no rows of kuaishou/assisted_after_sales have landed: no requests: the metric cannot be computed "
        "(assisted_after_sales_confirm_rate)"
    )
    assert any("kuaishou/session_events have landed: nobody is known to wait for a human" in line for line in missing)
    assert all("kuaishou/" in line and "messages" not in line for line in missing), "of what was never delivered, nothing is told"
    return folder / "landing", folder / "home"


@pytest.fixture
def copies(built: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    for source in built:
        shutil.copytree(source, tmp_path / source.name, symlinks=True)
    return tmp_path / "landing", tmp_path / "home"


def refused(*arguments: object) -> str:
    outcome = kefu(*arguments)
    assert outcome.code == 1, outcome
    assert outcome.err.count("\n") == 1, outcome.err
    return outcome.err


def test_a_folder_of_somebody_elses_is_no_home(copies: tuple[Path, Path], tmp_path: Path) -> None:
    landing, home = copies
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents").chmod(0o755)
    (tmp_path / "documents" / "letter.txt").touch()
    told = refused("build", "--landing", landing, "--home", tmp_path / "documents")
    assert "documents holds other things and is no home of kefu" in told
    assert [path.name for path in (tmp_path / "documents").iterdir()] == ["letter.txt"]
    assert (tmp_path / "documents").stat().st_mode & 0o777 == 0o755
    (home / ".kefu-home").unlink()  # as in a home from before there was the mark
    assert open_home(home).mark.exists()


def test_landing_and_home_are_apart(copies: tuple[Path, Path], tmp_path: Path) -> None:
    landing, home = copies
    for inner, outer in ((landing / "home", landing), (home, home / "landing"), (landing, landing)):
        assert "lie within each other" in refused("build", "--landing", outer, "--home", inner)
    (tmp_path / "link").symlink_to(landing)
    assert "lie within each other" in refused("build", "--landing", landing, "--home", tmp_path / "link" / "home")
    assert not (landing / "home").exists()


def test_samples_are_not_written_over_deliveries(copies: tuple[Path, Path], tmp_path: Path) -> None:
    sizes = ("--days", 1, "--shops", 1, "--agents", 1, "--messages-per-day", 50)
    assert "holds what was not generated" in refused("generate", "--landing", copies[0], *sizes)
    for _ in range(2):
        assert kefu("generate", "--landing", tmp_path / "sample", *sizes).code == 0


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as target:
        for member, content in members:
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o600) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


@pytest.mark.parametrize(
    "bad",
    [
        [member("published", tarfile.SYMTYPE, "/tmp"), member("published/x")],
        [member("kefu.duckdb", tarfile.SYMTYPE, "../outside")],
        [member("link", tarfile.LNKTYPE, "../outside")],
        [member("device", tarfile.CHRTYPE)],
        [member("../outside")],
        [member("/tmp/outside")],
    ],
    ids=lambda bad: bad[0].name,
)
def test_a_crafted_backup_writes_nothing(bad: list[tarfile.TarInfo], tmp_path: Path) -> None:
    (tmp_path / "outside").touch(mode=0o600)
    source = archive(tmp_path / "bad.tar.gz", (member("warehouse.duckdb"), b""), *((info, b"") for info in bad))
    assert "is no backup of a home" in refused("restore", "--from", source, "--home", tmp_path / "home")
    assert {path.name for path in tmp_path.iterdir()} == {"bad.tar.gz", "outside"}


def test_a_backup_is_restored_whole_or_not_at_all(built: tuple[Path, Path], tmp_path: Path) -> None:
    _, home = built
    assert "lies in the home" in refused("backup", "--home", home, "--to", home / "backup.tar.gz")
    assert kefu("backup", "--home", home, "--to", tmp_path / "backup.tar.gz").code == 0
    broken = archive(tmp_path / "broken.tar.gz", (member("warehouse.duckdb"), b"no database"))
    assert "warehouse.duckdb cannot be opened" in refused("restore", "--from", broken, "--home", tmp_path / "restored")
    (tmp_path / ".restored.restore").mkdir()  # of a restore that was killed
    (tmp_path / ".restored.restore" / "warehouse.duckdb").write_bytes(b"half")
    (tmp_path / "restored").mkdir()
    outcome = kefu("restore", "--from", tmp_path / "backup.tar.gz", "--home", tmp_path / "restored")
    assert outcome.code == 0, outcome.err
    assert query(tmp_path / "restored", "from marts.kuaishou_rounds") == query(home, "from marts.kuaishou_rounds")
    assert {path.name for path in tmp_path.iterdir()} == {"backup.tar.gz", "broken.tar.gz", "restored"}


def test_a_delivery_that_arrives_while_a_buyer_is_forgotten_stays(
    copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, home = copies
    path = deliver(landing, "tb-anna")
    build(landing, home)
    read = files._without

    def deliver_meanwhile(*arguments: object) -> object:
        yield from read(*arguments)  # type: ignore[arg-type]
        with open(path, "a", encoding="utf-8") as exporter:
            exporter.write("\n")

    monkeypatch.setattr(files, "_without", deliver_meanwhile)
    content = path.read_text()
    assert "was delivered anew while the buyer was removed from it" in refused(
        "forget", "--buyer", "tb-anna", "--landing", landing, "--home", home
    )
    assert path.read_text().startswith(content)
    assert not list(landing.rglob("*.forget"))


def test_forgetting_follows_links(copies: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing, home = copies
    exported = tmp_path / "export"
    deliver(exported, "tb-anna", dt="2025-10-03")
    (exported / "kuaishou" / "notes.txt").write_text("tb-anna called", encoding="utf-8")
    (exported / "kuaishou" / "around").symlink_to(exported)  # a circle
    (landing / "kuaishou" / "messages" / "dt=2025-10-03").symlink_to(exported / "kuaishou" / "messages" / "dt=2025-10-03")
    (landing / "kuaishou" / "more").symlink_to(exported / "kuaishou")
    build(landing, home)
    monkeypatch.setattr(sys, "stdin", io.StringIO("tb-anna\n"))
    told = refused("forget", "--buyer", "-", "--landing", landing, "--home", home)
    assert told == "kefu: the buyer is still named in landing kuaishou/more/notes.txt\n"
    assert (exported / "kuaishou" / "messages" / "dt=2025-10-03" / "tb-anna.jsonl").read_text() == ""
    assert (landing / "kuaishou" / "messages" / "dt=2025-10-03").is_symlink()


def test_a_rejected_row_of_another_buyer_stays(copies: tuple[Path, Path]) -> None:
    landing, home = copies
    for user in ("wang", "wang-er"):
        path = deliver(landing, user)
        path.write_text(path.read_text().replace("2025-10-01 12:00:00", "no time"), encoding="utf-8")
    build(landing, home)
    assert kefu("forget", "--buyer", "wang", "--landing", landing, "--home", home).code == 0
    with open_home(home).connect() as connection:
        left = connection.execute("select raw_row->>'user_id' from raw.rejected_rows").fetchall()
    assert left == [("wang-er",)]


def test_version_1_000_000_follows_999_999(copies: tuple[Path, Path]) -> None:
    landing, path = copies
    home = Home(path)
    (home.versions / "kefu-000001.duckdb").rename(home.versions / "kefu-999999.duckdb")
    home.published.unlink()
    home.published.symlink_to("published/kefu-999999.duckdb")
    for user in ("v", "w"):
        deliver(landing, user)
        build(landing, path)
    assert home.published.resolve().name == "kefu-1000001.duckdb"
    assert [version.name for version in publish.Versions(home.published, home.versions).all()] == [
        "kefu-1000000.duckdb",
        "kefu-1000001.duckdb",
    ]


HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); print('ready', flush=True); input()"


def test_a_build_waits_for_a_program_that_reads_the_warehouse(copies: tuple[Path, Path]) -> None:
    landing, home = copies
    deliver(landing, "v")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home / "warehouse.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None and reader.stdin is not None
        assert reader.stdout.readline() == "ready\n"
        release = threading.Timer(1, reader.stdin.write, ["\n"]), threading.Timer(1.1, reader.stdin.flush)
        for timer in release:
            timer.start()
        outcome = kefu("build", "--landing", landing, "--home", home)
    assert outcome.code == 0, outcome.err
    assert outcome.err == "waiting: warehouse.duckdb is held open by another program\n"
    assert query(home, "select count(*) from marts.kuaishou_rounds") == [(2,)]


def test_two_that_write_a_home_follow_each_other(copies: tuple[Path, Path]) -> None:
    landing, home = copies
    deliver(landing, "v")
    code = "from orchestration.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "build", "--landing", str(landing), "--home", str(home)]
    with homes.one_writer(Home(home)):  # both find it held, so they are at work at once
        both = [
            subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
        ]
        said = [process.stderr.readline() for process in both if process.stderr]
    assert said == [f"waiting: another build is writing to {home} (process {os.getpid()})\n"] * 2
    outcomes = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    assert sum("nothing to do" in out for out, _ in outcomes) == 1
    assert query(home, "select count(*) from marts.kuaishou_rounds") == [(2,)]


def test_a_published_file_cannot_be_written(built: tuple[Path, Path]) -> None:
    version = (built[1] / "kefu.duckdb").resolve()
    assert version.stat().st_mode & 0o222 == 0
    if os.geteuid():  # the superuser may
        with pytest.raises(duckdb.IOException):
            duckdb.connect(str(version))
