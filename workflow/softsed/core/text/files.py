"""Files of a user-provided folder: which files are listed, and the recording to which a file belongs."""

import re
import unicodedata
from pathlib import Path

# The formats that libsndfile 1.2 reads (`soundfile.available_formats()`), with their usual endings. A list, because
# each call of the workflow needs the names, and opening ten thousand files would take longer than the rest of a call.
AUDIO = re.compile(
    r".+\.(aifc?|aiff|au|avr|caf|flac|htk|ircam|mp2|mp3|mpga|nist|oga|ogg|opus|paf|pvf|rf64|sd2|sds|snd|sph|svx|voc|w64|wav|wve|xi)",
    re.IGNORECASE | re.DOTALL,
)
# Common audio formats that libsndfile does not read. Video files are not listed: a folder may contain them beside
# their audio.
OTHER_AUDIO = re.compile(r".+\.(aac|ac3|amr|ape|dsf|m4a|mka|mpc|wma|wv)", re.IGNORECASE)


def is_hidden(path: Path) -> bool:
    """Report whether a file or folder is hidden, such as ``._a.txt``, which macOS writes beside ``a.txt``."""
    return path.name.startswith(".")


def visible_files(folder: Path, *endings: str) -> list[Path]:
    """List the files of a folder, sorted by name, without hidden files and folders.

    Parameters
    ----------
    folder : Path
        Existing folder. Its subfolders are not searched.
    *endings : str
        Endings of the files to list, in any case, such as ".txt"; all files by default.

    Returns
    -------
    list of Path
        Links are listed, also those to missing files.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if not is_hidden(path) and (not endings or path.suffix.lower() in endings) and not path.is_dir()
    )


def recording_name(text: str) -> str:
    """Return the name of a recording, in Unicode form NFC and without folders, endings of audio files and outer spaces.

    ``audio/a.wav``, ``a.wav`` and ``a`` are the recording a, and so is ``a.wav.wav``: the result does not depend on
    the files that exist, and applying the function twice changes nothing.
    """
    name = unicodedata.normalize("NFC", text).replace("\\", "/").rsplit("/", 1)[-1].strip(" \u00a0")
    while AUDIO.fullmatch(name) or OTHER_AUDIO.fullmatch(name):
        name = name.rpartition(".")[0]
    return name
