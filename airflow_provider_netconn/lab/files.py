"""Files that others may read while they are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_in_one_step(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that nobody ever sees half written, nor with other permissions than these.

    :param mode: permissions, whatever the umask; a link in place of the file is replaced, not followed
    :raises OSError: the folder does not exist, or the file cannot be written
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
