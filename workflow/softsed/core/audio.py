"""A folder of recordings: which files are audio, by what name each goes, how long they are."""

import re
from pathlib import Path

from softsed.core.errors import InputError

# What libsndfile 1.2 reads (`soundfile.available_formats()`), with the endings in use. A list, because the workflow
# asks for names in every call, and opening ten thousand files would take longer than all else it does.
AUDIO = re.compile(
    r".+\.(aifc?|aiff|au|avr|caf|flac|htk|ircam|mp2|mp3|mpga|nist|oga|ogg|opus|paf|pvf|rf64|sd2|sds|snd|sph|svx|voc|w64|wav|wve|xi)",
    re.IGNORECASE,
)
READABLE = "WAV, FLAC, OGG or MP3"
# What people keep sound in as well and libsndfile does not read; not films, which lie beside their sound.
OTHER_AUDIO = re.compile(r".+\.(aac|ac3|amr|ape|dsf|m4a|mka|mpc|wma|wv)", re.IGNORECASE)
SHORTER = re.compile(r"(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)")
# Lengths in 32 bits that programs write into a pipe, before they know them.
STREAMED = range(0x7FFF0000, 0x100000000)
UNUSABLE = re.compile(r"[{}*?\"\\\x00-\x1f]")  # in names: patterns and quotes of the workflow, separators of tables


def find_audio(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """List the recordings in a folder, or the one that is named, and what is wrong with the others.

    Parameters
    ----------
    folder : Path
        Its files that end like audio are taken, hidden ones and subfolders are not, nor files in formats that cannot be
        read where a recording of the same name is there. Or a file, whatever its ending.

    Returns
    -------
    recordings : dict of Path
        Recording, the name of the file without ending, to its file; sorted.
    problems : list of str
        No such folder, no audio in it, names that the workflow cannot use, two files of one name, links to files that
        are not here, formats that cannot be read.
    """
    problems = []
    if folder.is_file():
        found = [folder]
    elif folder.is_dir():
        listed = sorted(path for path in folder.iterdir() if path.name[0] != "." and not path.is_dir())
        found = [path for path in listed if AUDIO.fullmatch(path.name) and path.is_file()]
        names = {path.stem for path in found}
        for path in listed:
            if AUDIO.fullmatch(path.name) and not path.is_file():
                problems.append(f"{path}: a link to a file that is not here; fetch it, or remove the link")
            elif OTHER_AUDIO.fullmatch(path.name) and path.stem not in names:
                problems.append(f"{path}: this format cannot be read; convert it to {READABLE}, or move it away")
    else:
        return {}, [f"{folder}: there is no such folder or file; expected a folder with recordings"]
    if problems and not found:
        return {}, problems
    if not found:
        expected = "expected files such as x.wav, x.flac, x.ogg or x.mp3 (subfolders are not read)"
        return {}, [f"{folder}: no recording; {expected}"]
    recordings: dict[str, Path] = {}
    for path in found:
        if UNUSABLE.search(path.name):
            problems.append(f"{path}: rename it, without braces, quotation marks, *, ? and backslashes")
        elif path.stem in recordings:
            problems.append(f"{path}: {recordings[path.stem]} has the same name but for its ending; rename one")
        else:
            recordings[path.stem] = path
    return recordings, problems


def list_audio(folder: Path) -> dict[str, Path]:
    """List the recordings as `find_audio` does; an InputError with all problems, if there are any."""
    recordings, problems = find_audio(folder)
    if problems:
        raise InputError("\n".join(problems))
    return recordings


def check_whole(path: Path, header: str, seconds: float) -> None:
    """Stop at a file that is a second or more shorter than its header says; libsndfile reads it up to where it ends.

    Less is what programs leave that count wrongly, by a byte of padding or their last block: the file plays to its end.

    Parameters
    ----------
    header : str
        What libsndfile notes about it (`soundfile.SoundFile.extra_info`): WAV, RF64, AIFF, AU, W64. FLAC and MP3 show
        it only when they are read; OGG, Opus, VOC, NIST and AVR do not.
    seconds : float
        Length of what is there.
    """
    for found in SHORTER.finditer(header):
        announced, there = map(int, found.groups())
        a_second = (announced - there) * seconds >= there  # bytes a second: there / seconds
        if there < announced and announced not in STREAMED and a_second:
            raise InputError(
                f"{path}: the recording is cut off: its header announces {announced} bytes of audio, there are only "
                f"{there}; copy it again or, where it can be heard to its end, save it again as WAV or FLAC"
            )


def measure(path: Path) -> float:
    """Read the length of a recording in seconds, and its end; an InputError where it is no audio, empty or cut off."""
    import soundfile  # noqa: PLC0415  # so that listing a folder needs no audio library

    try:
        with soundfile.SoundFile(path) as file:
            frames, rate = len(file), file.samplerate
            check_whole(path, file.extra_info, frames / rate)
            file.seek(max(0, frames - rate))
            last = len(file.read(rate))
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path}: cannot be read as audio: {error}") from error
    if not frames:
        raise InputError(f"{path}: the recording is empty")
    if last < min(frames, rate):
        raise InputError(f"{path}: the recording is cut off before its {frames / rate:.1f} s")
    return frames / rate
