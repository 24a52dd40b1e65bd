"""ZIP archives as bytes."""

import io
import zipfile
from collections.abc import Callable, Iterable


def zipped(
    members: Iterable[tuple[str | zipfile.ZipInfo, str | bytes]],
    change: Callable[[zipfile.ZipInfo], object] = lambda info: None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Return an archive; `change` edits the entry of each member in the list of the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
        for info in file.filelist:
            change(info)
    return buffer.getvalue()
