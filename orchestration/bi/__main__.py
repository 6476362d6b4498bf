"""`make bi`: installs the dashboards of bi/superset/ for a home, and serves them on this machine."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

from orchestration.bi.people import ADMIN
from orchestration.bi.plan import plan
from orchestration.errors import KefuError
from orchestration.home import PRIVATE, PROJECT, Home, published_home, written_aside
from orchestration.language import language, localized
from orchestration.runs.ui import refuse_taken_port

SUPERSET = PROJECT / "bi" / "superset"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--python", type=Path, required=True, help="of the environment that has Superset")
    parser.add_argument("--new-password", metavar="NAME", help="somebody who lost theirs")
    options = parser.parse_args()
    os.umask(PRIVATE)
    try:
        refuse_taken_port(options.host, options.port, "bi")
        home = published_home(options.home)
        install(home, options.python, options.new_password)
    except KefuError as error:
        print(f"kefu: {localized(str(error))}", file=sys.stderr)
        return 1
    print(localized(f"Superset on http://{options.host}:{options.port}, on {options.home}"), flush=True)
    python = str(options.python.absolute())
    # One process with threads: DuckDB reads the file once for all of them.
    server = f"-m gunicorn --workers 1 --threads 8 --timeout 120 --no-control-socket --bind {options.host}:{options.port}".split()
    os.execve(python, [python, *server, "superset.app:create_app()"], _environment(home))


def install(home: Home, python: Path, new_password: str | None) -> None:
    """Puts dashboards, roles and people into the Superset of a home, which it makes where there is none. Prints the passwords
    that it gives. KefuError tells of what failed where that is.
    """
    home.bi.mkdir(mode=0o700, exist_ok=True)
    key = home.bi / "secret_key"
    if not key.exists():
        with written_aside(key) as aside:
            aside.write_text(secrets.token_urlsafe(42), encoding="utf-8")
    wanted = plan(home)
    known = {ADMIN, *(person["name"] for person in wanted["people"])}
    if new_password and new_password not in known:
        raise KefuError(f"NEW_PASSWORD={new_password} is nobody; these may log in: {', '.join(sorted(known))}")
    planned = home.bi / "plan.json"
    with written_aside(planned) as aside:
        aside.write_text(json.dumps(wanted | {"new_password": new_password}), encoding="utf-8")
    log = home.bi / "install.log"
    with open(log, "w", encoding="utf-8") as file:
        command = [python.absolute(), SUPERSET / "install.py", planned]
        done = subprocess.run(command, env=_environment(home), stdout=subprocess.PIPE, stderr=file, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("bi: "):  # and not what Superset prints of its own migrations
            print(localized(line), flush=True)
    if done.returncode:
        told = [line for line in log.read_text(encoding="utf-8").splitlines() if re.match(r"[\w.]+(Error|Exception): ", line)]
        raise KefuError(f"Superset could not be set up: {''.join(told[-1:])} (all of it in {log})")


def _environment(home: Home) -> dict[str, str]:
    return os.environ | {
        "DASHBOARDS_STATE": str(home.bi),
        "DASHBOARDS_TELLER": sys.executable,
        "KEFU_LANG": language(),
        "PYTHONPATH": str(SUPERSET),
        "SUPERSET_CONFIG_PATH": str(SUPERSET / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
    }


if __name__ == "__main__":
    sys.exit(main())
