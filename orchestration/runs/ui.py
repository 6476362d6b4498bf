"""`make ui`: Dagster's interface and its daemon on a home, for whoever sits at this machine."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import warnings
from pathlib import Path

from dagster import SupersessionWarning
from dagster._cli.dev import dev_command

from orchestration.errors import KefuError
from orchestration.home import PRIVATE, open_home
from orchestration.language import localized
from orchestration.runs.instance import DEFINITIONS, write_settings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    os.umask(PRIVATE)
    try:
        refuse_taken_port(options.host, options.port, "ui")
        home = open_home(options.home)
        write_settings(home)
    except KefuError as error:
        print(f"kefu: {localized(str(error))}", file=sys.stderr)
        return 1
    os.environ |= {
        "KEFU_HOME": str(home.path),
        "KEFU_LANDING": str(options.landing.resolve()),
        "DAGSTER_HOME": str(home.dagster),
    }
    print(localized(f"Dagster on http://{options.host}:{options.port}, on {options.home}"), flush=True)
    warnings.filterwarnings("ignore", category=SupersessionWarning)  # of the command itself, which is pinned with everything else
    dev_command(["-m", DEFINITIONS, "-h", options.host, "-p", str(options.port)])
    return 0


def refuse_taken_port(host: str, port: int, target: str) -> None:
    """Says which port is taken, and of which target of make: Dagster itself would go on without its interface."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise KefuError(
            f"port {port} of {host} cannot be opened ({error.strerror}): end what uses it, or choose another, such as "
            f"`make {target} PORT={port + 1}`"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
