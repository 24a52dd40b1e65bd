"""User-provided folders with one file per recording, such as true events or embeddings."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import file_stem
from softsed.core.text.files import recording_name, visible_files


def find_recording_files(
    folder: Path,
    recordings: Iterable[str],
    problems: Problems,
    *,
    content: str,
    endings: Sequence[str],
    remedy: str,
) -> dict[str, Path]:
    """Find the file of each recording in a folder.

    The file is ``RECORDING.ending``, or has an ending of audio before it, such as ``RECORDING.wav.txt``. Files that the
    workflow has made are named by `softsed.core.metadata.file_stem`.

    Parameters
    ----------
    folder : Path
        Folder of the user or of the workflow. A missing folder contains no file.
    recordings : iterable of str
    problems : Problems
        Receives the recordings without a file, and those with several files: one problem for each kind.
    content : str
        Content of the files, for errors: "true events".
    endings : sequence of str
        Endings of the files, with a dot and in lower case.
    remedy : str
        What to do if files are missing.

    Returns
    -------
    dict of Path
        Recording -> file, without the recordings that `problems` received.
    """
    found: dict[str, list[Path]] = {name: [] for name in recordings}
    stems = {file_stem(name): name for name in found}
    listed = visible_files(folder) if folder.is_dir() else []
    for path in listed:
        name = stems.get(path.stem, recording_name(path.stem))
        if name in found and path.suffix.lower() in endings:
            found[name].append(path)
    *others, last = (f"RECORDING{ending}" for ending in endings)
    expected = f"one file per recording: {', '.join(others)} or {last}"
    if missing := [name for name, files in found.items() if not files]:
        problem = f"no file of {content} for {len(missing)} of {len(found)} recordings, such as {_two(missing)}"
        if listed:
            problem += f" (the folder contains {_two([path.name for path in listed])})"
        problems.add(f"no {content}", InputError(problem, file=folder, expected=expected, remedy=remedy))
    if several := {name: files for name, files in found.items() if len(files) > 1}:
        names = _two([path.name for path in next(iter(several.values()))])
        problem = f"several files of {content} for {len(several)} of {len(found)} recordings, such as {names}"
        keep = "Keep one file per recording, and remove the other files"
        problems.add(f"several {content}", InputError(problem, file=folder, expected=expected, remedy=keep))
    return {name: files[0] for name, files in found.items() if len(files) == 1}


def _two(names: list[str]) -> str:
    return " and ".join(map(repr, names[:2]))
