"""Runs taobao_clickhouse.sql with chdb, where that is installed, without kefu: LANDING, SEEDS and TARGET are folders."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chdb.session import Session


def main() -> None:
    landing, seeds, target = map(Path, sys.argv[1:])
    target.mkdir()
    script = Path(__file__).with_name("taobao_clickhouse.sql").read_text(encoding="utf-8")
    for name, folder in (("landing", landing), ("seeds", seeds), ("target", target)):
        script = script.replace(f"{{{name}}}", str(folder.resolve()))
    with TemporaryDirectory(dir=target) as aside:
        session = Session(aside)
        for statement in script.split(";\n"):
            if statement.strip():
                session.query(statement)
        session.close()


main()
