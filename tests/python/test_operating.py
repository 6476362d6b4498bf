"""The operator's guide and the files of the service name what there is."""

import configparser
import re
import shlex
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.alerts.sensors import alert_sensors
from orchestration.alerts.transports import transports_from
from orchestration.cli import _parser
from orchestration.home import PROJECT, Home
from orchestration.runs.automation import automation
from orchestration.runs.partitions import Calendar

GUIDE = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
ENVIRONMENT = (PROJECT / "deploy" / "kefu.env").read_text(encoding="utf-8")
SERVICES = sorted((PROJECT / "deploy" / "systemd").glob("*.service"))


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment]
    parsed.read_string(path.read_text(encoding="utf-8"))
    return parsed


def kefu_commands() -> list[str]:
    """Each `kefu ...` of the guide and the services, with the settings filled in."""
    units = "\n".join(unit(path)["Service"]["ExecStart"].replace("%%", "%").rstrip("'") for path in SERVICES)
    found = re.findall(r"\.venv/bin/kefu ([^#\n]+)", GUIDE + units)
    return [re.sub(r"\$\w+|\$\([^)]*\)", "/folder", command).strip() for command in found]


def test_the_guide_has_commands() -> None:
    assert {command.split()[0] for command in kefu_commands()} == {"build", "backup", "compact", "restore", "live"}


@pytest.mark.parametrize("command", kefu_commands())
def test_every_command_of_the_guide_is_one(command: str) -> None:
    assert _parser().parse_args(shlex.split(command)).run


def test_what_the_guide_switches_on_is_there(tmp_path: Path) -> None:
    started_by = automation(Home(tmp_path), tmp_path, Calendar(date(2025, 9, 1)))
    sensors = {sensor.name for sensor in (*started_by.sensors, *alert_sensors(Home(tmp_path)))}
    schedules = {schedule.name for schedule in started_by.schedules}
    assert set(re.findall(r"schedule start (\w+)", GUIDE)) <= schedules
    (switched_on,) = re.findall(r"for sensor in ([\w ]+); do", GUIDE)
    assert set(switched_on.split()) == sensors
    for name in (*schedules, "new_deliveries", "months_over"):
        assert f"| `{name}` |" in GUIDE


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_services_run_what_is_installed_and_keep_it_private(path: Path) -> None:
    service = unit(path)["Service"]
    assert (service["User"], service["UMask"]) == ("kefu", "0077")
    programs = re.findall(r"/opt/kefu/\.venv/bin/([\w-]+)", service["ExecStart"] + service.get("ExecStartPre", ""))
    assert programs
    for program in programs:
        assert Path(sys.executable).with_name(program).exists(), program
    if "webserver" in path.name:
        assert service["ExecStart"].endswith("-m orchestration.runs.webserver /run/kefu/webserver.sock"), "and no port"


class Asked(dict[str, str]):
    """An environment in which nothing is set, and which remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.names.add(name)
        return default


def settings_of_the_code() -> set[str]:
    """Those whose whole name stands in the code, and those of the alerts, which it puts together."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "orchestration").rglob("*.py"))
    asked = Asked()
    assert transports_from(asked) == []
    return asked.names | set(re.findall(r'"(KEFU_\w*[A-Z])"', code))


def test_the_settings_are_those_that_the_code_reads() -> None:
    documents = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md"))
    settings = set(re.findall(r"^#?(KEFU_\w+)=", ENVIRONMENT, re.MULTILINE))
    assert settings == settings_of_the_code()
    for name in settings:
        assert re.search(rf"\b{name}\b", documents), name
