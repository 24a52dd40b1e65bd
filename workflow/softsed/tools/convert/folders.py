"""Folders of files, one file per recording and one folder per annotator: ANNOTATOR/RECORDING.txt."""

import logging
from pathlib import Path

from softsed.core.errors import InputError, count
from softsed.core.text.files import AUDIO, is_hidden, recording_name, visible_files
from softsed.tools.convert.annotations import Annotations, Place

logger = logging.getLogger(__name__)


def find_idle(path: Path, ending: str) -> list[str]:
    """Return the names of empty folders beside the folders of annotators: each is of an annotator without a file."""
    if not path.is_dir() or visible_files(path, ending.lower()):
        return []
    return [folder.name for folder in _visible_folders(path) if all(one.name[0] == "." for one in folder.iterdir())]


def name_file(found: Annotations, file: Path, annotator: str, stem: str | None = None) -> str:
    """Return the recording that a file of an annotator is about.

    Two files of one annotator that give one name are a problem, such as ``x.txt`` and ``x.wav.txt``.

    Parameters
    ----------
    stem : str, optional
        Name of the file without additions of a program. Several files may have the same one. By default, the name of
        the file without its ending, which no other file of the annotator may have.
    """
    name = recording_name(file.stem if stem is None else stem)
    text, first = found.named.setdefault((annotator, name), (file.name if stem is None else stem, file))
    if text != (file.name if stem is None else stem):
        expected, remedy = "one file per recording and annotator", "Remove or rename one of the two files"
        problem = f"{first.name} belongs to the same recording"
        found.report("files", Place(file), problem, expected=expected, remedy=remedy)
    return name


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
    folders = _visible_folders(path)
    direct = visible_files(path, ending.lower())
    nested = [file for folder in folders for file in visible_files(folder, ending.lower())]
    if not direct and not nested:
        raise InputError(f"no file ends in {ending}", file=path, expected=expected)
    if direct and nested:
        problem = f"files such as {direct[0].name} beside folders of annotators such as {nested[0].parent.name}"
        raise InputError(
            problem, file=path, expected=expected, remedy="Move the files into a folder of their annotator"
        )
    if nested and annotator:
        problem = f"the name is {annotator!r}, but {path} has folders of annotators such as {nested[0].parent.name}"
        raise InputError(problem, key="--annotator", remedy="Leave out the option")
    others = [deeper for folder in folders for deeper in _visible_folders(folder)]
    others += [
        file for folder in (path, *folders) for file in visible_files(folder) if file.suffix.lower() != ending.lower()
    ]
    if ignored := [one for one in others if not AUDIO.fullmatch(one.name)]:
        what = count(len(ignored), "file or folder is", "files or folders are")
        logger.warning("%s: %s ignored, such as %s", path, what, ignored[0])
    return [(annotator or path.resolve().name, one) for one in direct] + [(one.parent.name, one) for one in nested]


def _visible_folders(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir() and not is_hidden(one))
