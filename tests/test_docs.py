"""The documents: what they run prints what they say, and what they name is there."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))


def test_there_are_documents():
    assert {path.name for path in DOCS} >= {"a-rule-travels.md", "extending.md", "glossary.md"}


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_what_a_document_runs_prints_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        name = re.search(r'name = "(\w+)"', block).group(1)
        (tmp_path / f"{name}.toml").write_text(block, encoding="utf-8")
    parsed = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    runner = doctest.DocTestRunner()
    runner.run(parsed)
    assert runner.failures == 0


PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md")] + DOCS


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_and_folders_named_in_a_page_are_there(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:derive|codegen|runtime|tests|docs|benchmarks)/[\w./-]*)`", text)
    named += re.findall(r"\]\(([^)#:]+)\)", text)
    for name in named:
        assert (ROOT / name).exists() or (page.parent / name).exists(), f"{page.name} names {name}"


def test_the_readme_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
