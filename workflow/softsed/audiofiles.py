"""A folder of recordings: which files are audio, by what name each goes, how long they are."""

import re
from pathlib import Path

from softsed.errors import InputError

# What libsndfile 1.2 reads (`soundfile.available_formats()`), with the endings in use. A list, because the workflow
# asks for names in every call, and opening ten thousand files would take longer than all else it does.
AUDIO = re.compile(
    r".+\.(aifc?|aiff|au|avr|caf|flac|htk|ircam|mp3|nist|oga|ogg|opus|paf|pvf|rf64|sd2|sds|snd|sph|svx|voc|w64|wav|wve|xi)",
    re.IGNORECASE,
)
UNUSABLE = re.compile(r"[{}*?\"\\\x00-\x1f]")  # in names: patterns and quotes of the workflow, separators of tables


def list_audio(folder: Path) -> dict[str, Path]:
    """List the recordings in a folder, or the one that is named.

    Parameters
    ----------
    folder : Path
        Its files that end like audio are taken, hidden ones and subfolders are not. Or a file, whatever its ending.

    Returns
    -------
    dict of Path
        Recording, the name of the file without ending, to its file; sorted.

    Raises
    ------
    InputError
        When there is no such folder, no audio in it, a name that the workflow cannot use, or two files of one name.
    """
    if folder.is_file():
        found = [folder]
    elif folder.is_dir():
        found = sorted(p for p in folder.iterdir() if AUDIO.fullmatch(p.name) and p.name[0] != "." and p.is_file())
    else:
        raise InputError(f"{folder}: there is no such folder or file; expected a folder with recordings")
    if not found:
        raise InputError(
            f"{folder}: no recording; expected files such as x.wav, x.flac, x.ogg or x.mp3 (subfolders are not read)"
        )
    recordings: dict[str, Path] = {}
    for path in found:
        if UNUSABLE.search(path.name):
            raise InputError(
                f"{path}: a name without braces, quotation marks, *, ? and backslashes is needed; rename it"
            )
        if path.stem in recordings:
            raise InputError(f"{path}: {recordings[path.stem]} has the same name but for its ending; rename one")
        recordings[path.stem] = path
    return recordings


def measure(path: Path) -> float:
    """Read the length of a recording in seconds off its header; an InputError where it is no audio or empty."""
    import soundfile  # noqa: PLC0415  # so that listing a folder needs no audio library

    try:
        seconds = soundfile.info(path).duration
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path}: cannot be read as audio: {error}") from error
    if not seconds:
        raise InputError(f"{path}: the recording is empty")
    return seconds
