"""`kefu docs`: dbt's catalogue of a home as one page, in which each clause has a page, linked from the columns it shapes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from orchestration.build.dbt import documentation
from orchestration.errors import KefuError
from orchestration.home import Home, first_line, one_writer, published_home, written_aside
from orchestration.language import _
from orchestration.seeds import seed

PACKAGE = "kefu"


def write_docs(home_path: Path, to: Path) -> str:
    """Writes the page. Returns a line that says of what. KefuError where it cannot be written."""
    home = published_home(home_path)
    if to.suffix != ".html":
        raise KefuError(f"--to {to}: the catalogue is a file .html")
    clauses = seed("rule_clauses")
    page = _page(home, clauses)
    try:
        with written_aside(to) as aside:
            aside.write_text(page, encoding="utf-8")
    except OSError as error:
        raise KefuError(f"{to} cannot be written: {first_line(error)}") from error
    return _("{to}: the catalogue, with {count} clauses").format(to=to, count=len(clauses))


def _page(home: Home, clauses: list[dict[str, str]]) -> str:
    def with_clauses(manifest: dict[str, Any]) -> None:
        nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")}
        links: dict[tuple[str, str], list[str]] = defaultdict(list)
        for clause in clauses:
            page = _clause(clause, nodes)
            manifest["exposures"][page["unique_id"]] = page
            manifest["parent_map"][page["unique_id"]] = page["depends_on"]["nodes"]
            for shaped in clause["shapes"].split():
                table, column = shaped.split(".")
                links[table, column].append(f"[{page['label']}](#!/exposure/{page['unique_id']})")
        for node in manifest["nodes"].values():
            node.pop("root_path", None)  # where this machine has it
        for (table, column), of_column in links.items():
            nodes[table]["columns"][column]["description"] += f"\n\n{', '.join(of_column)}"

    with one_writer(home):
        return documentation(home, with_clauses)


def _clause(clause: dict[str, str], nodes: dict[str, Any]) -> dict[str, Any]:
    """A clause as a page of dbt's, which knows none of rules, but one of what depends on models."""
    name = clause["clause_id"].replace("-", "_")
    applied_by = nodes[clause["implemented_in"]]
    shaped = {shape: nodes[shape.split(".")[0]] for shape in clause["shapes"].split()}
    columns = "\n".join(f"- {_link(shape, node)}" for shape, node in shaped.items())
    return {
        "name": name,
        "label": f"{clause['clause_id']} {clause['title_zh']}",
        "resource_type": "exposure",
        "type": "notebook",
        "package_name": PACKAGE,
        "path": "rule_clauses.csv",
        "original_file_path": "seeds/rule_clauses.csv",
        "unique_id": f"exposure.{PACKAGE}.{name}",
        "fqn": [PACKAGE, "clauses", name],
        "owner": {"name": clause["platform"], "email": None},
        "description": f"**{clause['title_zh']}** · {clause['title_en']}\n\n{clause['reading']}\n\n"
        f"Applied by {_link(applied_by['name'], applied_by)}. Shapes:\n\n{columns}",
        "depends_on": {"nodes": sorted({node["unique_id"] for node in [applied_by, *shaped.values()]}), "macros": []},
        "meta": {},
        "tags": [],
    }


def _link(text: str, node: dict[str, Any]) -> str:
    return f"[{text}](#!/{node['resource_type']}/{node['unique_id']})"
