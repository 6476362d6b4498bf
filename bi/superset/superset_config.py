"""How Superset is set up for kefu: locked down, nothing cached, nothing asked of other hosts.

DASHBOARDS_STATE is the folder of what Superset keeps, below the home, DASHBOARDS_TELLER kefu's own Python,
KEFU_LANG the language, zh or en.
"""

import json
import os
from pathlib import Path

import duckdb
import sqlglot
from flask import Response, request
from flask_login import current_user
from sqlglot import exp
from stories import stories
from superset.config import TALISMAN_CONFIG
from superset.exceptions import SupersetGenericErrorException

STATE = Path(os.environ["DASHBOARDS_STATE"])
SECRET_KEY = (STATE / "secret_key").read_text(encoding="utf-8")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{STATE}/superset.db"

BABEL_DEFAULT_LOCALE = os.environ["KEFU_LANG"]
LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "us", "name": "English"}}

# What is published shows at once.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# A shop's people see their shop, in SQL Lab as in charts.
FEATURE_FLAGS = {"RLS_IN_SQLLAB": True}

# What would go round that, or is no question: functions that read a table or file by its name, and statements other than select.
HARMLESS = {"generate_series", "range", "repeat_row", "unnest"}
with duckdb.connect() as connection:
    found = connection.execute(
        "select function_name from duckdb_functions() where function_type in ('table', 'table_macro', 'pragma')"
    )
    DISALLOWED_SQL_FUNCTIONS = {"duckdb": {name for (name,) in found.fetchall()} - HARMLESS}


def SQL_QUERY_MUTATOR(sql, **_of_superset):  # noqa: N802 - Superset calls it so
    """Refuses what is no plain select: row-level security leaves pivot, summarize and show as they are."""
    for statement in sqlglot.parse(sql, dialect="duckdb"):
        if not isinstance(statement, exp.Query) or statement.find(exp.Pivot, exp.Summarize):
            raise SupersetGenericErrorException("only select: no pivot, summarize, show, describe, pragma, call, set or change")
    return sql


# Beside the dashboards: a page for each round.
BLUEPRINTS = [stories]


# What Superset's own catalogue has wrong, or not at all.
WORDS = {"Sign in": ["登录"], "Enter your login and password below:": ["请输入用户名和密码："], "Search by": ["搜索列"]}


def FLASK_APP_MUTATOR(app):  # noqa: N802 - Superset calls it so
    """Answers itself what the page of the login asks for. Superset would send that to the login, with a new session: one that
    arrives after the login takes its place.
    """
    catalogue = Path(app.root_path, "translations", "zh", "LC_MESSAGES", "messages.json")
    words = json.loads(catalogue.read_text(encoding="utf-8"))
    words["locale_data"]["superset"] |= WORDS
    packed = json.dumps(words)

    @app.before_request
    def answer():
        if request.path == "/superset/language_pack/zh/":
            return Response(packed, mimetype="application/json", headers={"Cache-Control": "public, max-age=3600"})
        if request.path == "/superset/log/" and not current_user.is_authenticated:
            return Response(status=401)
        return None


# A page asks nothing of other hosts: no map tiles, no pixel that counts visits.
_POLICY = TALISMAN_CONFIG["content_security_policy"]
TALISMAN_CONFIG = TALISMAN_CONFIG | {
    "content_security_policy": {
        source: [each for each in allowed if not each.startswith("http") and "." not in each]
        if isinstance(allowed, list)
        else allowed
        for source, allowed in _POLICY.items()
    }
}
