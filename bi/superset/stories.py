"""The page of a round: what `kefu explain` says of it. kefu's own Python tells it, to who has a role that sees the shop."""

import os
import subprocess
from html import escape

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user

PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<pre style="font: 14px/1.5 'Noto Sans Mono CJK SC', monospace; margin: 2em; white-space: pre-wrap">{text}</pre>"""

stories = Blueprint("stories", __name__)


@stories.get("/explain/<path:round_id>")
def story(round_id: str) -> ResponseReturnValue:
    if not current_user.is_authenticated:
        return redirect("/login/")
    home = os.path.dirname(os.environ["DASHBOARDS_STATE"])
    command = [os.environ["DASHBOARDS_TELLER"], "-m", "orchestration.bi.story", home, round_id]
    told = subprocess.run([*command, *(role.name for role in current_user.roles)], capture_output=True, text=True)
    page = PAGE.format(title=escape(round_id), text=escape(told.stdout or told.stderr))
    return page, 404 if told.returncode else 200
