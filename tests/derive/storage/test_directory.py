import os
import sys
from pathlib import Path

import pytest

from optsde.derive.storage.directory import cache_directory, store


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("OPTSDE_CACHE_DIR", str(path))
    return path


def test_the_directory_is_made_for_us_alone(directory: Path) -> None:
    assert cache_directory() == directory
    assert directory.stat().st_mode & 0o777 == 0o700
    assert cache_directory() == directory


def test_the_default_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTSDE_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_directory() == tmp_path / "optsde"


def test_a_directory_open_to_others_is_refused(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    with pytest.raises(ValueError, match="open to other users"):
        cache_directory()


def test_a_link_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link"):
        cache_directory()


def test_another_users_directory_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: directory.stat().st_uid + 1)
    with pytest.raises(ValueError, match="belongs to another user"):
        cache_directory()


def test_files_appear_whole(directory: Path) -> None:
    path = cache_directory() / "text.json"
    for text in ("first", "second"):
        store(path, text)
        assert path.read_text() == text
        assert [p.name for p in directory.iterdir()] == [path.name]
