"""`kefu template`: empty files that land as they are, and a list of their columns."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from harness import kefu

from orchestration.landing.contract import contract


def columns(folder: Path) -> list[dict[str, str]]:
    with open(folder / "columns.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_empty_files_land(tmp_path: Path) -> None:
    assert kefu("template", "--to", tmp_path / "new").code == 0
    files = list((tmp_path / "new").glob("*/*.csv"))
    assert len(files) == len(contract())
    for file in files:
        delivery = tmp_path / "landing" / file.parent.name / file.stem / "dt=2025-10-01"
        delivery.mkdir(parents=True)
        shutil.copy(file, delivery)
    checked = kefu("check", tmp_path / "landing")
    assert checked.code == 0, checked.out + checked.err
    assert "lacks" not in checked.out + checked.err
    assert "unknown" not in checked.out + checked.err


def test_the_list_says_what_each_column_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "en")
    assert kefu("template", "--to", tmp_path / "new", "--platform", "taobao").code == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"taobao", "columns.csv"}
    listed = columns(tmp_path / "new")
    wanted = [
        (table.name, column.name) for table in contract().values() if table.platform == "taobao" for column in table.columns
    ]
    assert [(row["delivered table"], row["column"]) for row in listed] == wanted
    assert all(row["meaning"] and row["type"] for row in listed)
    messages = {row["column"]: row for row in listed if row["delivered table"] == "messages"}
    assert messages["message_id"]["required"] == "yes"
    assert messages["message_id"]["delivered"] == "daily"
    assert "Rounds answered within 3 minutes" in messages["message_id"]["metrics that need it"].split("; ")
    assert messages["direction"]["values"] == "inbound; outbound"


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    outcome = kefu("template", "--to", tmp_path)
    assert outcome.code == 1
    assert f"--to {tmp_path} is not empty" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
