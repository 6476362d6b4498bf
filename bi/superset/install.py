"""Puts kefu's dashboards, roles and people into Superset. Run by Superset's Python, with a plan that `make bi` has written.

The plan is made by orchestration/bi/plan.py, which says what is in it.
"""

import json
import secrets
import sys
from pathlib import Path

import yaml
from flask import g
from flask_migrate import upgrade
from superset.app import create_app

ADMIN, OURS = "admin", "@kefu.invalid"
VIEWER, ANALYST, ALL_SHOPS = "kefu_viewer", "kefu_analyst", "kefu_all_shops"
RULES = "kefu: "  # what the names of its rules of row-level security begin with
OF_A_PAGE = {"DashboardFilterStateRestApi", "DashboardPermalinkRestApi", "ExploreFormDataRestApi"}  # filters, and links to them
CHANGING = (
    "can_write",
    "can_delete",
    "can_add",
    "can_edit",
    "can_import",
    "can_export",
    "can_upload",
    "can_save",
    "can_put",
    "can_post",
)


def install(plan: dict) -> None:
    from superset import appbuilder, db
    from superset import security_manager as security
    from superset.commands.exceptions import ImportFailedError
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable

    appbuilder.add_permissions(update_perms=True)
    security.sync_role_definitions()
    people = {user.username: user for user in security.get_all_users()}
    known = {ADMIN, *(person["name"] for person in plan["people"])}
    if ADMIN not in people:
        people[ADMIN] = add_person(security, ADMIN, [security.find_role("Admin")])
    elif plan["new_password"] == ADMIN:
        renew_password(security, people[ADMIN])
    g.user = people[ADMIN]
    importing = ImportAssetsCommand(plan["assets"])
    try:
        importing.run()
    except ImportFailedError as error:
        found = [str(each) for each in getattr(error.__cause__, "_exceptions", [])]
        raise SystemExit(f"ImportFailedError: {'; '.join(found) or error.__cause__}") from error
    drop_what_is_gone(db, plan["assets"])

    # Those of people's own are theirs to open to others.
    tables = {table.table_name: table for table in db.session.query(SqlaTable).filter_by(is_managed_externally=True)}
    looking = viewing(security, tables.values())
    set_role(db, security, VIEWER, looking)
    set_role(db, security, ANALYST, [*looking, *security.find_role("sql_lab").permissions])
    set_role(db, security, ALL_SHOPS, [])
    for role in plan["shops"]:
        set_role(db, security, role, [])
    for each in db.session.query(RowLevelSecurityFilter).filter(RowLevelSecurityFilter.name.startswith(RULES)):
        db.session.delete(each)
    db.session.flush()
    seeing = [security.find_role(name) for name in ("Admin", ALL_SHOPS, *plan["shops"])]
    of_shops = [tables[name] for name in plan["of_shops"]]
    db.session.add(rule("no shop but one's own", "Base", "1 = 0", seeing, of_shops))
    for role, clauses in plan["shops"].items():
        for clause in sorted(set(clauses.values())):
            shown = [tables[name] for name, each in clauses.items() if each == clause]
            db.session.add(rule(f"{role}: {clause}", "Regular", clause, [security.find_role(role)], shown, "shop"))
    for person in plan["people"]:
        roles = [security.find_role(name) for name in person["roles"]]
        if (user := people.get(person["name"])) is None:
            add_person(security, person["name"], roles)
        else:
            user.roles = roles
            if plan["new_password"] == user.username:
                renew_password(security, user)
    for name, user in people.items():
        if user.email.endswith(OURS):  # not who was added in Superset itself
            user.active = name in known
    db.session.commit()


def add_person(security, name: str, roles: list):
    """Adds a person with a password that is shown once."""
    user = security.add_user(name, name, "kefu", f"{name}{OURS}", roles, password=secrets.token_urlsafe())
    renew_password(security, user)
    return user


def renew_password(security, user) -> None:
    password = secrets.token_urlsafe(12)
    security.reset_password(user.id, password)
    print(f"bi: {user.username} logs in with the password {password}", flush=True)


def viewing(security, tables) -> list:
    """What a viewer may do: look at every dataset and choose what to see of it, change nothing."""
    gamma = security.find_role("Gamma").permissions
    looking = [each for each in gamma if each.view_menu.name in OF_A_PAGE or not each.permission.name.startswith(CHANGING)]
    return [*looking, *(security.add_permission_view_menu("datasource_access", table.get_perm()) for table in tables)]


def set_role(db, security, name: str, permissions: list) -> None:
    role = security.add_role(name)
    role.permissions = list({each.id: each for each in permissions}.values())
    db.session.flush()


def rule(name: str, kind: str, clause: str, roles: list, tables: list, group: str | None = None):
    from superset.connectors.sqla.models import RowLevelSecurityFilter

    return RowLevelSecurityFilter(name=RULES + name, filter_type=kind, clause=clause, roles=roles, tables=tables, group_key=group)


def drop_what_is_gone(db, assets: dict[str, str]) -> None:
    """Drops what an older kefu had put there and this one has not, or what stands on a file that is no longer there."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    wanted = {yaml.safe_load(asset).get("uuid") for asset in assets.values()}
    for kind in (Dashboard, Slice, SqlaTable, Database):
        for each in db.session.query(kind).filter_by(is_managed_externally=True):
            if str(each.uuid) not in wanted:
                db.session.delete(each)
    db.session.flush()


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    app = create_app()
    with app.app_context():
        upgrade(directory=str(Path(app.root_path) / "migrations"))
        install(plan)


if __name__ == "__main__":
    main()
