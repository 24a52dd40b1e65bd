"""Folders of files, one file per recording and one folder per annotator: ANNOTATOR/RECORDING.txt."""

import logging
from pathlib import Path

from softsed.core.audio import AUDIO
from softsed.core.errors import InputError

logger = logging.getLogger(__name__)


def find_files(path: Path, ending: str, annotator: str | None) -> list[tuple[str, Path]]:
    """List the files of each annotator.

    Parameters
    ----------
    path : Path
        One file, a folder with the files of one annotator, or a folder with one folder per annotator. Hidden files are
        ignored, such as ``._x.txt`` from macOS.
    ending : str
        Ending of the files, such as ``.txt``, in upper or lower case.
    annotator : str or None
        Name of the annotator of files that are not in a folder of an annotator; the name of their folder by default.

    Returns
    -------
    list of (str, Path)
        Annotator and file, sorted.

    Raises
    ------
    InputError
        If there is no such file or folder, no file with this ending, or files beside folders of annotators.
    """
    expected = f"a folder with one folder per annotator, and in it one RECORDING{ending} per recording"
    if path.is_file():
        return [(annotator or path.resolve().parent.name, path)]
    if not path.is_dir():
        raise InputError("there is no such folder or file", file=path, expected=expected)
    listed = sorted(one for one in path.iterdir() if not one.name.startswith("."))
    folders = [one for one in listed if one.is_dir()]
    inside = sorted(one for folder in folders for one in folder.iterdir() if not one.name.startswith("."))
    direct, nested = ([one for one in ones if _matches(one, ending)] for ones in (listed, inside))
    if not direct and not nested:
        raise InputError(f"no file ends in {ending}", file=path, expected=expected)
    if direct and nested:
        problem = f"files such as {direct[0].name} beside folders of annotators such as {nested[0].parent.name}"
        raise InputError(
            problem, file=path, expected=expected, remedy="Move the files into a folder of their annotator"
        )
    if nested and annotator:
        problem = f"{annotator!r}, but {path} has folders of annotators such as {nested[0].parent.name}"
        raise InputError(problem, key="--annotator", remedy="Leave out the option")
    others = [one for one in listed + inside if one not in folders and not _matches(one, ending)]
    if ignored := [one for one in others if not AUDIO.fullmatch(one.name)]:
        logger.warning("%s: %d files or folders are ignored, such as %s", path, len(ignored), ignored[0])
    return [(annotator or path.resolve().name, one) for one in direct] + [(one.parent.name, one) for one in nested]


def _matches(path: Path, ending: str) -> bool:
    return path.name.lower().endswith(ending.lower()) and path.is_file()
