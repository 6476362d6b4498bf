"""What `kefu explain` says of a round, for a page of the dashboards: to who has a role that sees its shop, and without the words
of the chat, which the marts do not hold either. Bad luck is one line on the error output.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from orchestration.bi.people import ALL_SHOPS, role_of
from orchestration.errors import KefuError
from orchestration.explain import explained
from orchestration.explain.text import render
from orchestration.home import published_home
from orchestration.language import localized
from orchestration.privacy.buyers import VARIABLE, buyer_key

SUPERSETS_ADMIN = "Admin"


def main(arguments: Sequence[str]) -> int:
    home, round_id, *roles = arguments
    try:
        print(story(Path(home), round_id, roles))
    except KefuError as error:
        print(localized(str(error)), file=sys.stderr)
        return 1
    return 0


def story(home_path: Path, round_id: str, roles: Collection[str]) -> str:
    """The explanation as text. KefuError where there is no such round for these roles, or where ids are hidden."""
    home = published_home(home_path)
    with duckdb.connect(str(home.published), read_only=True) as marts:
        shops = marts.execute("select platform, shop_id from marts.rounds where round_id = ?", [round_id]).fetchall()
    if not any({ALL_SHOPS, SUPERSETS_ADMIN, role_of(shop)}.intersection(roles) for shop in shops):
        raise KefuError(f"there is no round {round_id} that you may see")
    if buyer_key() is not None:
        raise KefuError(f"{VARIABLE} hides who buyers are, and a round's story names them: `kefu explain {round_id}` tells it")
    found = explained(home_path, round_id)
    return render(replace(found, entries=[replace(entry, what="") for entry in found.entries]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
