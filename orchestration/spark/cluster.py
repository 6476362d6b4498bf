"""A small cluster on this machine alone: a standalone master and workers of one core each, for as long as a command runs."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.language import localized
from orchestration.spark.engine import ENGINE, MASTER, SPARK

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 120
# As much as one machine has work for: Spark's own 200 parts of each shuffle are for a cluster.
DEFAULTS = "spark.sql.shuffle.partitions {parts}\nspark.executor.memory {memory}\nspark.driver.memory 2g\n"
# The master takes programs to run from whoever reaches it, unless told not to.
ENVIRONMENT = {"SPARK_LOCAL_IP": LOOPBACK, "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false"}


@contextmanager
def cluster(workers: int, memory: str) -> Iterator[str]:
    """Starts a master and its workers. Gives the master's URL once every worker has joined it; stops them at the end."""
    with tempfile.TemporaryDirectory(prefix="kefu-spark-") as folder, ExitStack() as running:
        log = Path(folder, "master.log")
        running.enter_context(_process(log, "master.Master", "--port", "0"))
        url = _waited_for(log, r"Starting Spark master at (spark://\S+)", 1)[0]
        for number in range(workers):
            options = ("--cores", "1", "--memory", memory, "--work-dir", f"{folder}/work-{number}", url)
            running.enter_context(_process(Path(folder, f"worker-{number}.log"), "worker.Worker", *options))
        _waited_for(log, r"Registering worker (\S+)", workers)
        yield url


@contextmanager
def _process(log: Path, daemon: str, *options: str) -> Iterator[None]:
    """Runs one of Spark's own programs, on loopback only, with its output in a file."""
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    # On port 0 of loopback each takes a free one, also for the page that it serves.
    command = [str(program), f"org.apache.spark.deploy.{daemon}", "--host", LOOPBACK, "--webui-port", "0", *options]
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | ENVIRONMENT)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _waited_for(log: Path, line: str, count: int) -> list[str]:
    """Waits until a log has so many lines of a kind. KefuError where it takes too long."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if len(found := re.findall(line, log.read_text(encoding="utf-8"))) >= count:
            return found
        time.sleep(0.2)
    raise KefuError(f"the cluster did not start within {PATIENCE_SECONDS} seconds: {log.read_text(encoding='utf-8')[-500:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument("--memory", default="2g", help="of each worker (default %(default)s)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run on it")
    options = parser.parse_args(arguments)
    try:
        with cluster(options.workers, options.memory) as url, tempfile.TemporaryDirectory(prefix="kefu-spark-") as settings:
            print(f"{url}: {options.workers} workers", flush=True)
            defaults = DEFAULTS.format(parts=2 * options.workers, memory=options.memory)
            Path(settings, "spark-defaults.conf").write_text(defaults, encoding="utf-8")
            environment = os.environ | ENVIRONMENT | {ENGINE: SPARK, MASTER: url, "SPARK_CONF_DIR": settings}
            return subprocess.run(options.command, env=environment, check=False).returncode
    except KefuError as error:
        print(f"kefu: {localized(str(error))}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
