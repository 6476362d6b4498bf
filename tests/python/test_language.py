"""What kefu says is in the catalogues: the texts of the code one by one here, what commands print in every test that runs one."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from harness import ENGLISH, kefu
from rich.cells import cell_len

from orchestration import language
from orchestration.home import PROJECT
from orchestration.language import SENTENCES, in_chinese, sentences

SAYING = re.compile(r"Error$|^(report|error|localized|SkipReason)$")  # what is called with a text that somebody reads
# Texts for who writes models or code: they are never caught.
OF_DEVELOPERS = {"{} says on which dates it is rebuilt, and not in meta of which date a row is"}
FIELD = re.compile(r"\{(\w+)\}")


def said() -> Iterator[tuple[str, str]]:
    """Where in the code something is said, and the text, with {} for its values."""
    for path in sorted((PROJECT / "orchestration").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and SAYING.search(_name(node.func)):
                where = f"{path.relative_to(PROJECT)}:{node.lineno}"
                yield from ((where, text) for text in _texts(node.args[0]) if " " in text.strip() and text not in OF_DEVELOPERS)


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    """A text, or those of which one is chosen."""
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def test_every_text_of_the_code_is_in_a_catalogue() -> None:
    texts = [(where, text) for where, text in said() if re.search("[a-z]{2}", text)]
    assert len(texts) > 200
    assert [(where, text) for where, text in texts if not _is_known(text)] == []


def _is_known(text: str) -> bool:
    """Whether an entry has it; or its longest words without a value, with what stands around them when they are said."""
    with_values = text.replace("{}", "7")
    return in_chinese(with_values) != with_values or any(max(text.split("{}"), key=len).strip() in known for known in sentences())


def test_catalogues_fit_together() -> None:
    """No sentence stands twice, none is in another's way, and English and Chinese have the same fields."""
    every = [
        (str(message.id), str(message.string))
        for path in SENTENCES.glob("*.po")
        for message in read_po(path.open(encoding="utf-8"), locale="zh")
        if message.id
    ]
    assert [english for english, count in Counter(english for english, _ in every).items() if count > 1] == []
    for english, chinese in every:
        assert Counter(FIELD.findall(english)) == Counter(FIELD.findall(chinese)) == Counter(set(FIELD.findall(english))), english
        values = {field: "7" if field in language.NUMBERS else f"X{field}" for field in FIELD.findall(english)}
        assert in_chinese(english.format(**values)) == chinese.format(**values), english


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Some sentences alone."""
    entries = {
        "{file} cannot be read: {why}": "{file} 读不了：{why}",
        "no such file": "没有这个文件",
        "landed {count} rows": "已落地 {count} 行",
    }
    texts = "\n\n".join(f'msgid "{english}"\nmsgstr "{chinese}"' for english, chinese in entries.items())
    (tmp_path / "some.po").write_text(texts, encoding="utf-8")
    monkeypatch.setattr(language, "SENTENCES", tmp_path)
    for kept in (language.sentences, language._patterns):
        kept.cache_clear()
    yield
    for kept in (language.sentences, language._patterns):
        kept.cache_clear()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("no such file", "没有这个文件"),
        ("a.csv cannot be read: no such file", "a.csv 读不了：没有这个文件"),
        ("a.csv cannot be read: disk on fire", "a.csv 读不了：disk on fire"),
        ("landed 1,234 rows; no such file", "已落地 1,234 行；没有这个文件"),
        ("landed many rows", "landed many rows"),
        ("  landed 7 rows", "  已落地 7 行"),
        ("nobody knows, nobody says", "nobody knows, nobody says"),
        ("", ""),
    ],
)
def test_a_sentence_is_looked_up_with_what_it_holds(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


COMMANDS = [
    (),
    *(
        (command,)
        for command in re.findall(r'commands\.add_parser\(\s*"(\w+)"', (PROJECT / "orchestration" / "cli.py").read_text())
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_in_chinese(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "80")
    lines = kefu(*command, "--help").out.splitlines()
    assert [line for line in lines if ENGLISH.search(re.sub(r"\{.*?\}", "", line))] == []
    told = lines[lines.index("") :]  # after how it is used, which holds no words
    assert len(told) > 3
    assert [line for line in told if cell_len(line) > 80] == []


def test_an_error_of_options_is_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LANG", "zh")
    assert kefu("build", "--landing", "x").err.endswith("kefu build: 错误：缺少必需的参数：--home\n")


def test_sentences_are_there() -> None:
    assert len(sentences()) > 800
