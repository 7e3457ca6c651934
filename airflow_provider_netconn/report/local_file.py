"""Write a report to the local disk, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from airflow_provider_netconn.errors import ReportWriteError


def write_local(text: str, path: str | os.PathLike[str]) -> Path:
    """Write the text as UTF-8 in place of whatever was there, and return the path written.

    Folders that are missing are made and ``~`` is expanded. The text goes to a temporary file beside the
    target, which then takes its name: a reader never sees half a report, and a failure leaves the old one as it was.

    :raises ReportWriteError: the file could not be written; names the path, what the system said and what to do
    """
    target = Path(path)
    # A lone surrogate stands for a byte that was no UTF-8; it must not cost the user the whole report.
    data = text.encode("utf-8", "backslashreplace")
    try:
        target = target.expanduser()
        if target.is_dir():
            raise ReportWriteError(str(target), "is a folder", "add a file name such as netconn.html")
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a device or a pipe, such as /dev/stdout, cannot be replaced by renaming
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target.resolve(), data)  # resolved: a symbolic link stays, and its file gets the text
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a null byte in the path; RuntimeError: '~' of an unknown user.
        seen = getattr(error, "strerror", None) or str(error)
        raise ReportWriteError(str(target), seen, _remedy(error)) from error
    return target


def _replace(target: Path, data: bytes) -> None:
    # Not tempfile: its files are readable by their owner alone, while a report should follow the umask.
    temporary = target.with_name(f".netconn-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _remedy(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "choose a folder that this process may write to"
    if isinstance(error, (NotADirectoryError, FileExistsError)):
        return "a part of the path is a file, not a folder; choose another path"
    return "choose another path, or make room on the disk"
