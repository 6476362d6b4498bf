"""Who may see what in the dashboards: HOME/bi/people.csv, and what it means for Superset's roles."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.errors import KefuError

COLUMNS = ("name", "role", "platform", "shop_id")
ROLES = {"viewer": "kefu_viewer", "analyst": "kefu_analyst"}
ALL_SHOPS = "kefu_all_shops"
ADMIN = "admin"  # whom Superset itself needs
NAME = re.compile(r"[\w.-]{1,60}")

Shop = tuple[str, str]  # platform and shop_id


def read_people(file: Path, shops: Sequence[Shop]) -> list[dict[str, Any]]:
    """People with Superset's roles: a row for each shop that someone sees, or one without a shop for who sees all of them.

    KefuError names the line that says something else.
    """
    if not file.exists():
        return []
    roles: dict[str, set[str]] = {}
    with open(file, encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise KefuError(f"{file}: its first line has to be {','.join(COLUMNS)}")
        for row in reader:
            where = f"{file}, line {reader.line_num}"
            if not NAME.fullmatch(row["name"] or "") or row["name"] == ADMIN:
                raise KefuError(f"{where}: name {row['name']!r} is none that can log in")
            if row["role"] not in ROLES:
                raise KefuError(f"{where}: role {row['role']!r} is neither {' nor '.join(ROLES)}")
            shop = (row["platform"] or "", row["shop_id"] or "")
            if shop != ("", "") and shop not in shops:
                raise KefuError(f"{where}: the marts know no shop {shop[1]!r} of platform {shop[0]!r}")
            sees = ALL_SHOPS if shop == ("", "") else role_of(shop)
            roles.setdefault(row["name"], set()).update((ROLES[row["role"]], sees))
    return [{"name": name, "roles": sorted(has)} for name, has in roles.items()]


def role_of(shop: Shop) -> str:
    return f"kefu_shop {shop[0]} {shop[1]}"
