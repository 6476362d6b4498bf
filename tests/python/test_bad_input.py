"""Bad input through the command: what is said of it, that nothing is half done, and that mending it is all it takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from harness import Outcome, build, build_of, copy_project, kefu, marts, other_process, query, warehouse

MESSAGES = "taobao/messages"
HEADERS = {
    "taobao/shops": "shop_id,marketplace",
    "taobao/accounts": "account_id,shop_id,account_type",
    "taobao/reception_events": "event_id,conversation_id,shop_id,buyer_id,account_id,event_type,occurred_at",
    MESSAGES: "message_id,conversation_id,shop_id,buyer_id,account_id,"
    "direction,author_kind,peer_kind,message_type,content,sent_at",
    "kuaishou/messages": "message_id,session_id,shop_id,user_id,agent_id,sender_kind,content,sent_at",
}
KEFU = "from orchestration.cli import main; raise SystemExit(main())"


def write(landing: Path, table: str, day: int, *rows: str) -> Path:
    path = landing / table / f"dt=2025-09-{day:02}" / "export.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADERS[table], *rows, ""]), encoding="utf-8")
    return path


def chat(day: int, number: int, seconds: int) -> list[str]:
    """A question and its answer."""
    keys = f"c{number},s1,b{number},s1:a"
    asked, answered = (f"2025-09-{day:02} 10:00:{second:02}" for second in (0, seconds))
    return [
        f"q{day}-{number},{keys},inbound,consumer,consumer,text,在吗,{asked}",
        f"r{day}-{number},{keys},outbound,agent,consumer,text,亲,{answered}",
    ]


def write_day(landing: Path, day: int) -> None:
    write(landing, MESSAGES, day, *chat(day, 1, 20), *chat(day, 2, 40))
    events = (f"e{day}-{n},c{n},s1,b{n},s1:a,assigned,2025-09-{day:02} 09:59:00" for n in (1, 2))
    write(landing, "taobao/reception_events", day, *events)
    write(landing, "kuaishou/messages", day, f"k{day},k1,s1,u1,a1,user,在吗,2025-09-{day:02} 10:00:00")


@pytest.fixture(scope="module")
def landings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What had landed when the home was built, and what is there now: a day more."""
    before, now = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("now")
    write(before, "taobao/shops", 1, "s1,tmall")
    write(before, "taobao/accounts", 1, "s1:a,s1,sub")
    write_day(before, 1)
    shutil.copytree(before, now, dirs_exist_ok=True)
    write_day(now, 2)
    return before, now


@pytest.fixture(scope="module")
def built(landings: tuple[Path, Path], empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = shutil.copytree(empty_home, tmp_path_factory.mktemp("built"), symlinks=True, dirs_exist_ok=True)
    build(landings[0], home)
    return home


@pytest.fixture(scope="module")
def expected(landings: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """The marts of a fresh home with all that is there now."""
    home = tmp_path_factory.mktemp("expected")
    build(landings[1], home)
    return marts(home)


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "home", symlinks=True)


@pytest.fixture
def landing(landings: tuple[Path, Path], tmp_path: Path) -> Path:
    return shutil.copytree(landings[1], tmp_path / "landing")


def published(home: Path) -> tuple[str, bytes]:
    return os.readlink(home / "kefu.duckdb"), (home / "kefu.duckdb").read_bytes()


def fails(outcome: Outcome, *said: str) -> None:
    """One line that says what is wrong, and where."""
    assert outcome.code == 1, outcome
    assert outcome.err.startswith("kefu: ") and outcome.err.count("\n") == 1 and outcome.err.endswith("\n"), outcome.err
    for part in said:
        assert part in outcome.err


def figures_of_taobao(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The marts of Taobao, and its metrics."""
    of_platform = {mart: rows for mart, rows in marts(home).items() if mart.startswith("taobao_")}
    return of_platform | {"metrics": query(home, "from marts.service_metrics where platform = 'taobao' order by all")}


def mend(table: str, day: int, landing: Path, landings: tuple[Path, Path]) -> None:
    shutil.rmtree(landing / table / f"dt=2025-09-{day:02}")
    shutil.copytree(landings[1] / table / f"dt=2025-09-{day:02}", landing / table / f"dt=2025-09-{day:02}")


FILES = {
    "unreadable file": ("export.csv.gz", b"\x1f\x8b\x08\x00 cut off", "export.csv.gz cannot be read"),
    "file that is cut off": ("export.parquet", b"PAR1 cut off", "export.parquet cannot be read"),
    "empty file": ("export.csv", b"", "export.csv cannot be read: the file has no header"),
    "missing column": (
        "export.csv",
        b"message_id,content\nq2-1,x\n",
        "export.csv lacks required column conversation_id, shop_id",
    ),
}


def test_files_that_cannot_be_landed(
    home: Path, landing: Path, landings: tuple[Path, Path], expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    """One after the other: each stops its platform, and is named once more each time; a file that is whole again lands."""
    before = figures_of_taobao(home)
    for file, content, said in FILES.values():
        write(landing, MESSAGES, 1, *chat(1, 1, 5)).with_name(file).write_bytes(content)  # of another day, too, nothing lands
        for _ in range(2):
            outcome = kefu("build", "--landing", landing, "--home", home)
            fails(outcome, f"{MESSAGES}/dt=2025-09-01/{said}", "nothing new of taobao has landed")
        assert figures_of_taobao(home) == before
        assert query(home, "select count(distinct business_date) from marts.kuaishou_rounds") == [(2,)], "the other is built"
        assert warehouse(home, "select count(*) from raw.taobao_messages") == [(4,)]
        assert warehouse(home, "select count(*) from raw.kuaishou_messages") == [(2,)]
        mend(MESSAGES, 1, landing, landings)
    build(landing, home)
    assert marts(home) == expected


def test_rows_that_cannot_be_read(
    home: Path, landing: Path, landings: tuple[Path, Path], expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    first, second = chat(2, 1, 20), chat(2, 2, 40)
    bad_time = first[0].replace("2025-09-02 10", "2025-02-30 10")
    unknown_value = second[0].replace("consumer,text", "consumer,telegram")
    write(landing, MESSAGES, 2, bad_time, first[1].replace("亲", "earlier"), first[1], unknown_value, second[1])
    outcome = build(landing, home)
    assert (
        f"landed {MESSAGES}: 1 deliveries, 2 rows, 2 rejected (raw.rejected_rows), 1 repeated keys, the later row stands"
        in outcome.out
    )
    file = f"{MESSAGES}/dt=2025-09-02/export.csv"
    assert warehouse(
        home, "select platform, table_name, dt::varchar, file, row_number, reason from raw.rejected_rows order by 5"
    ) == [
        ("taobao", "messages", "2025-09-02", file, 1, 'sent_at: not a time "2025-02-30 10:00:00"'),
        ("taobao", "messages", "2025-09-02", file, 4, 'message_type: unknown value "telegram"'),
    ]
    assert warehouse(home, "select message_id, content from raw.taobao_messages where _dt = '2025-09-02' order by 1") == [
        ("r2-1", "亲"),
        ("r2-2", "亲"),
    ]
    mend(MESSAGES, 2, landing, landings)
    build(landing, home)
    assert warehouse(home, "from raw.rejected_rows") == []
    assert marts(home) == expected


def test_rules_that_overlap(
    home: Path, landings: tuple[Path, Path], landing: Path, expected: dict[str, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    rules = project / "seeds" / "rule_parameters.csv"
    lines = rules.read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith("taobao,window_start,")]
    rules.write_text("\n".join([*lines, row, ""]), encoding="utf-8")
    before = published(home)
    outcome = build_of(project, landings[0], home)
    fails(outcome, "rule_parameters", "window_start")
    assert published(home) == before
    build(landing, home)
    assert marts(home) == expected


def test_a_landing_folder_that_is_not_there(home: Path, tmp_path: Path) -> None:
    before = published(home)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "nowhere", tmp_path / "file"):
        fails(kefu("build", "--landing", folder, "--home", home), f"--landing {folder} is not a folder")
    assert published(home) == before


def test_a_missing_landing_folder_leaves_no_home(tmp_path: Path) -> None:
    fails(kefu("build", "--landing", tmp_path / "nowhere", "--home", tmp_path / "home"), "--landing")
    assert not (tmp_path / "home" / "kefu.duckdb").exists()


@pytest.mark.parametrize("folder", ["file/home", "/proc/kefu"])
def test_a_home_that_cannot_be_written(folder: str, landing: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / folder
    fails(kefu("build", "--landing", landing, "--home", home), f"--home {home} is not writable")


HOLD = """
import sys; from pathlib import Path; from orchestration.home import Home, one_writer
lock = one_writer(Home(Path(sys.argv[1]))); lock.__enter__()
"""


def test_a_home_that_another_build_writes_to_for_long(
    home: Path, landing: Path, expected: dict[str, list[tuple[Any, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published(home)
    monkeypatch.setattr("orchestration.home.WRITER_PATIENCE_SECONDS", 0.5)
    with other_process(HOLD, home) as pid:
        outcome = kefu("build", "--landing", landing, "--home", home)
    waited, told = outcome.err.splitlines()
    assert waited == f"waiting: another build is writing to {home} (process {pid})"
    assert told == f"kefu: another build is writing to {home} (process {pid}); try again when it is done"
    assert outcome.code == 1
    assert published(home) == before
    build(landing, home)
    assert marts(home) == expected


@pytest.mark.parametrize("options", ["", ", read_only=True"])
def test_a_warehouse_that_another_program_holds_open_for_long(
    home: Path, landing: Path, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published(home)
    monkeypatch.setattr("orchestration.home.READER_PATIENCE_SECONDS", 0.5)
    with other_process(f"import duckdb, sys; held = duckdb.connect(sys.argv[1]{options})", home / "warehouse.duckdb"):
        outcome = kefu("build", "--landing", landing, "--home", home)
    assert outcome.code == 1
    assert outcome.err.splitlines()[0] == "waiting: warehouse.duckdb is held open by another program"
    assert "warehouse.duckdb cannot be opened" in outcome.err.splitlines()[1]
    assert published(home) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--start", "2025-13-01", "--end", "2025-09-02"], "2025-13-01 is not a date YYYY-MM-DD"),
        (["--start", "yesterday", "--end", "2025-09-02"], "yesterday is not a date YYYY-MM-DD"),
        (["--start", "20250901", "--end", "2025-09-02"], "20250901 is not a date YYYY-MM-DD"),
        (["--start", "2025-09-01"], "--start and --end go together"),
        (["--end", "2025-09-01"], "--start and --end go together"),
        (["--start", "2025-09-02", "--end", "2025-09-01"], "--start 2025-09-02 is after --end 2025-09-01"),
        (["--start", "2025-09-01", "--end", "2025-09-02", "--full-refresh"], "--full-refresh rebuilds every date"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_wrong_options(home: Path, landing: Path, options: list[str], said: str) -> None:
    before = published(home)
    outcome = kefu("build", "--landing", landing, "--home", home, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]
    assert published(home) == before


@pytest.mark.parametrize(
    "arguments", [[], ["bild"], ["build"], ["build", "--landing", "x"], ["build", "--home", "x"], ["generate"]]
)
def test_missing_options(arguments: list[str]) -> None:
    assert kefu(*arguments).code == 2
