from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from airflow_provider_netconn.errors import ReportWriteError
from airflow_provider_netconn.report import local_file, write_local


def test_text_is_written_as_utf8_and_folders_are_made(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "netconn.md"
    assert write_local("path → private\n", file) == file
    assert file.read_bytes() == "path → private\n".encode()


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_local("x", tmp_path / "r.json")
    finally:
        os.umask(before)
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o640


def test_old_report_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.json"
    write_local("old", file)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_file.os, "fsync", full)
    with pytest.raises(ReportWriteError, match=r"r\.json: No space left on device; .*make room"):
        write_local("new", file)
    assert file.read_text() == "old"
    assert [*tmp_path.iterdir()] == [file]


def test_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real.md", tmp_path / "latest.md"
    real.write_text("old")
    link.symlink_to(real)
    write_local("new", link)
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_local("through", pipe)
    reader.join(10)
    assert got == ["through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is a folder; add a file name"),
        ("file/report.html", "a part of the path is a file"),
        ("nul\0l.html", "choose another path"),
        ("x" * 300 + ".html", "File name too long"),
    ],
)
def test_unusable_path_is_named_with_the_mend(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportWriteError, match=message):
        write_local("x", tmp_path / name)
    assert not [*tmp_path.glob(".netconn*")]


@pytest.mark.parametrize("path", ["/proc/report.html", "~nobody-of-that-name/report.html"])
def test_place_that_cannot_be_written_to_is_named(path: str) -> None:
    with pytest.raises(ReportWriteError, match=r"report .*report\.html: .+; choose"):
        write_local("x", path)


def test_undecodable_byte_does_not_cost_the_report(tmp_path: Path) -> None:
    write_local("name \udcff", tmp_path / "r.md")
    assert (tmp_path / "r.md").read_text() == "name \\udcff"
