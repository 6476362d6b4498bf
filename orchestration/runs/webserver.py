"""Dagster's web interface on a Unix socket: `python -m orchestration.runs.webserver SOCKET`.

On a port of the loopback every user of the machine would reach it, and it asks nobody for a password. Of the socket the folder
says who does.
"""

from __future__ import annotations

import os
import sys

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from orchestration.home import PRIVATE
from orchestration.runs.instance import DEFINITIONS


def serve(socket: str) -> None:
    """Serves the home of KEFU_HOME, with DAGSTER_HOME in it, until it is told to end."""
    os.umask(PRIVATE)
    target = ModuleTarget(DEFINITIONS, attribute=None, working_directory=None, location_name=None)
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, target, version=__version__) as context,
    ):
        uvicorn.run(create_app_from_workspace_process_context(context), uds=socket, log_level="warning")


if __name__ == "__main__":
    serve(sys.argv[1])
