"""`make` on a machine that is not as it should be says so in one line, and mends what it can."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from dagster import SupersessionWarning

from orchestration.home import PROJECT
from orchestration.runs import ui


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what make reads, in a folder with a space, with a .venv that stands for the one that is there."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "requirements-build.txt"):
        shutil.copy(PROJECT / name, folder)
    (folder / "orchestration").symlink_to(PROJECT / "orchestration")
    (folder / ".venv" / "bin").mkdir(parents=True)
    return folder


def use_python(project: Path, version: tuple[int, int]) -> None:
    """A python in .venv that says it is of that version, and otherwise is the one that runs this."""
    python = project / ".venv" / "bin" / "python"
    code = f'case "$2" in *version_info*) exit {int(version != (3, 11))};; esac; exec {sys.executable} "$@"'
    python.write_text(f"#!/bin/sh\n{code}\n", encoding="utf-8")
    python.chmod(0o755)
    (project / ".venv" / ".installed-dev").touch()


def test_without_the_right_python_it_says_how_to_get_it(project: Path) -> None:
    for wrong in ("no-such-python", "false"):  # none, and one that says no
        run = make(project, "setup", f"PYTHON={wrong}")
        assert run.returncode != 0
        (line,) = [line for line in run.stderr.splitlines() if not line.startswith("make")]
        assert "kefu needs Python 3.11" in line and "apt-get install python3.11-venv" in line and "PYTHON=" in line


def test_a_venv_of_another_python_is_made_anew(project: Path) -> None:
    use_python(project, (3, 11))
    assert make(project, "-q", "setup").returncode == 0, "nothing to do"
    use_python(project, (3, 13))
    assert "rm -rf .venv" in make(project, "-n", "setup").stdout
    assert not (project / ".venv" / ".installed-dev").exists()


def test_a_service_is_installed_without_what_developing_takes() -> None:
    def packages(lock: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (PROJECT / lock).read_text(encoding="utf-8"), re.MULTILINE))

    service, everything = packages("requirements.lock"), packages("requirements-dev.lock")
    assert service.items() < everything.items(), "the same versions"
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis", "sqlfluff", "aiosmtpd"} & service.keys()
    assert {"dagster", "dbt-core", "duckdb", "hatchling", "uvicorn"} <= service.keys()
    recipe = make(PROJECT, "-n", "-B", "install").stdout
    assert "-r requirements.lock" in recipe and "requirements-dev" not in recipe


def test_the_interface_does_not_start_on_a_port_that_is_taken(project: Path) -> None:
    """In a path with a space, too: Dagster itself went on with its daemon alone."""
    use_python(project, (3, 11))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = make(project, "ui", f"PORT={port}", PYTHONPATH=str(PROJECT))
    assert run.returncode != 0
    (line,) = [line for line in run.stderr.splitlines() if not line.startswith("make")]
    assert line.startswith(f"kefu: port {port} of 127.0.0.1 cannot be opened (Address already in use)")
    assert "make ui PORT=" in line


def test_the_interface_does_not_greet_with_a_warning_of_its_own_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster would have another command used, which nothing here has."""
    monkeypatch.setattr(ui, "dev_command", lambda _: warnings.warn("use dg dev", SupersessionWarning, stacklevel=1))
    for name in ("KEFU_HOME", "KEFU_LANDING", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(
        sys, "argv", ["ui", "--home", f"{tmp_path}/home", "--landing", f"{tmp_path}", "--host", "127.0.0.1", "--port", "0"]
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert ui.main() == 0
    assert seen == []
