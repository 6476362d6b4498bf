"""dbt's adapter as sqlfluff, which lints what DuckDB runs, needs it: macros are dispatched to those of DuckDB."""

from __future__ import annotations

from jinja2 import pass_context
from jinja2.runtime import Context, Macro


@pass_context
def dispatch(context: Context, name: str) -> Macro:
    macro: Macro = context.resolve(f"default__{name}")
    return macro
