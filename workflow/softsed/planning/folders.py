"""Files and folders of the user that the workflow does not use: a warning names them."""

from collections.abc import Collection
from pathlib import Path

from softsed.core.text.files import is_hidden


def describe_left_out(folder: Path, used: Collection[Path]) -> str | None:
    """Describe what a folder contains beside the used files, with the number and the first name of each kind.

    Parameters
    ----------
    folder : Path
        Folder whose files are read, or a single file.
    used : collection of Path
        Resolved paths of the files that are used.

    Returns
    -------
    str or None
        One line; None if nothing is left out. Hidden files are not counted, because programs make them.
    """
    kinds: dict[str, list[str]] = {"subfolder": [], "link without a file": [], "other file": []}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if is_hidden(path) or path.resolve() in used:
            continue
        kind = "subfolder" if path.is_dir() else "other file" if path.exists() else "link without a file"
        kinds[kind].append(path.name)
    texts = [
        f"{len(names)} {_plural(kind) if names[1:] else kind} (first: {names[0]})"
        for kind, names in kinds.items()
        if names
    ]
    return f"{folder}: {', '.join(texts)} left out" if texts else None


def _plural(kind: str) -> str:
    noun, space, rest = kind.partition(" without")
    return f"{noun}s{space}{rest}"
