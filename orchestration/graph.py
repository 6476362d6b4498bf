"""The README's picture of how data flows, drawn from the project as dbt reads it: `make graph`."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from orchestration.build.dbt import manifest_path
from orchestration.home import PROJECT, open_home

README = PROJECT / "README.md"
MARKED = re.compile(r"(<!-- graph: make graph -->\n).*?(<!-- /graph -->)", re.DOTALL)


def mermaid(manifest: dict[str, Any]) -> str:
    """A Mermaid flowchart: models in a box per folder, the landed tables of a source and the seeds as one node each."""
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    folders: dict[str, list[str]] = {}
    for node in models.values():
        folders.setdefault(str(Path(node["path"]).parent), []).append(node["name"])
    edges = {
        (parent, node["name"])
        for node in models.values()
        for parent in (_name(manifest, key) for key in node["depends_on"]["nodes"])
    }
    others = sorted({parent for parent, _ in edges} - {node["name"] for node in models.values()})
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'    {_id(name)}[("{name}")]' for name in others]
    for folder, names in sorted(folders.items()):
        lines += [f'    subgraph {_id("folder " + folder)}["models/{folder}"]']
        lines += [f"        {name}" for name in sorted(names)]
        lines += ["    end"]
    lines += [f"    {_id(parent)} --> {child}" for parent, child in sorted(edges)]
    return "\n".join([*lines, "```", ""])


def _name(manifest: dict[str, Any], key: str) -> str:
    if key.startswith("source."):
        source = manifest["sources"][key]["source_name"]
        return {"build": "build state", "changed": "changed rows", "raw": "deliveries"}.get(source, f"landed {source}")
    node = manifest["nodes"][key]
    return "seeds" if node["resource_type"] == "seed" else str(node["name"])


def _id(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def with_graph(readme: str, graph: str) -> str:
    return MARKED.sub(lambda found: f"{found[1]}{graph}{found[2]}", readme)


def current_graph() -> str:
    with tempfile.TemporaryDirectory() as folder:
        manifest = json.loads(manifest_path(open_home(Path(folder))).read_text(encoding="utf-8"))
    return mermaid(manifest)


if __name__ == "__main__":
    README.write_text(with_graph(README.read_text(encoding="utf-8"), current_graph()), encoding="utf-8")
    sys.exit()
