"""Plan of `workflow/apply.smk`: the keys after ``--config`` as one checked object."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from softsed.core.audio import list_audio
from softsed.core.errors import InputError, Problems
from softsed.core.thresholds import MIDRANGE
from softsed.features.embeddings import find_files
from softsed.planning.folders import describe_left_out
from softsed.planning.patterns import pattern_error
from softsed.predict.threshold import check_threshold

KEYS = {
    "audio": "folder of recordings, or one recording",
    "model": "folder of a run (results/EXPERIMENT/models/SYSTEM/runN), whose models are averaged, or one .pt file",
    "output": "folder for scores, events and timelines (default: results/apply/NAME, with the name of audio)",
    "embeddings": "folder of embeddings of the recordings, for models that read embeddings",
    "embedding_model": "model that makes these embeddings, the same as for the training",
    "threshold": "threshold of the events: class-dependent (default), fixed (of the experiment) or a number, 0 to 1",
}
SOURCES = {"embeddings": "--embeddings", "embedding_model": "--embedding-model"}  # keys, and options of the step
PATHS = ("audio", "model", "output", *SOURCES)
EXPECTED = "these keys after --config:\n" + "\n".join(f"  {key}={meaning}" for key, meaning in KEYS.items())


@dataclass(frozen=True)
class ApplyPlan:
    """Recordings, the models that score them, and the folder of the results.

    Attributes
    ----------
    recordings : dict of Path
        File of each recording, by name.
    models : list of Path
        Models of one run, in the order of the folds.
    embeddings : tuple of str
        Option and path of the embeddings or of their model; empty without both.
    output : str
        Folder of the results.
    threshold : str
        Threshold of the events.
    note : Path or None
        File that records which audio the folder belongs to; None if the user chose the folder.
    source : str
        Content of the note: path of the audio, relative to the working directory.
    """

    recordings: dict[str, Path]
    models: list[Path]
    embeddings: tuple[str, ...]
    output: str
    threshold: str
    note: Path | None
    source: str

    @classmethod
    def from_config(cls, config: dict) -> "ApplyPlan":
        """Check the config and create the plan.

        Raises
        ------
        InputError
            If a key is unknown, missing or has a value that cannot be used. The message lists the keys.
        """
        if unknown := sorted(config.keys() - KEYS.keys()):
            raise InputError(f"unknown keys {unknown}", expected=EXPECTED)
        if missing := [key for key in ("audio", "model") if not config.get(key)]:
            raise InputError(f"the keys {missing} are missing", expected=EXPECTED)
        for key in PATHS:
            if not isinstance(config.get(key) or "", str):
                problem, remedy = f"the value is {config[key]!r}, not text", "Write it in quotation marks in the file"
                raise InputError(problem, key=key, expected="a path", remedy=remedy)
        given = [key for key in SOURCES if config.get(key)]
        if len(given) > 1:
            raise InputError("embeddings and embedding_model are both set", key=given[0], expected="one of them")
        if missing := [key for key in given if not Path(config[key]).exists()]:
            raise InputError(f"there is no file or folder {config[missing[0]]!r}", key=missing[0])
        threshold = str(config.get("threshold", MIDRANGE))
        check_threshold(threshold)
        audio = Path(config["audio"])
        recordings, models = list_audio(audio), find_models(Path(config["model"]))
        source = Path(os.path.abspath(audio))  # a link keeps its own name
        name = re.sub(r"[^\w.-]", "_", source.stem if source.is_file() else source.name)
        output = str(Path(config.get("output") or f"results/apply/{name}"))
        paths_of = {"audio": recordings.values(), "model": models, "output": [Path(output)]}
        for key, paths in (paths_of | {key: [Path(config[key])] for key in given}).items():
            if error := next(filter(None, (pattern_error(key, path) for path in paths)), None):
                raise error
        note = None if config.get("output") else Path(output, "audio.txt")
        embeddings = (SOURCES[given[0]], str(config[given[0]])) if given else ()
        plan = cls(recordings, models, embeddings, output, threshold, note, os.path.relpath(source))
        plan.check_note()
        return plan

    def embedding_files(self, recording: str) -> list[str]:
        """List the file of embeddings of a recording, or the model that makes it; empty without both."""
        if not self.embeddings or Path(self.embeddings[1]).is_file():
            return list(self.embeddings[1:])
        return [str(self._files[recording])] if recording in self._files else []

    @cached_property
    def _files(self) -> dict[str, Path]:
        """The file of embeddings of each recording that has one; the folder is listed once for all jobs."""
        return find_files(Path(self.embeddings[1]), self.recordings, Problems())

    def check_note(self) -> None:
        """Raise an InputError if the default folder has the results of other audio.

        Two folders with the same name would otherwise mix their results. Users who choose a folder may mix results.
        """
        if self.note and self.note.exists() and (found := self.note.read_text(encoding="utf-8")) != self.source:
            raise InputError(
                f"{self.output} has the results of {found}, but audio is {self.source}",
                key="output",
                remedy="Choose another folder with output=FOLDER, or delete this folder",
            )

    def left_out(self) -> str | None:
        """Describe the other files in the folder of the audio; None if there are no other files."""
        folder = Path(os.path.abspath(self.source))
        return describe_left_out(folder, {path.resolve() for path in self.recordings.values()})

    def write_note(self) -> None:
        """Record which audio the default folder belongs to."""
        if self.note:
            self.note.parent.mkdir(parents=True, exist_ok=True)
            self.note.write_text(self.source, encoding="utf-8")


def find_models(path: Path) -> list[Path]:
    """List the models of a run, in the order of the folds, or the one model.

    Raises
    ------
    InputError
        If there is no model.
    """
    found = sorted(path.glob("fold*.pt"), key=lambda file: (len(file.name), file.name)) if path.is_dir() else [path]
    if not (found and found[0].is_file()):
        raise InputError(
            f"{path} is neither a model nor a folder with models",
            key="model",
            expected="a folder with fold1.pt, fold2.pt, ..., or one .pt file",
            remedy="Check the path; `dvc pull models@demo` fetches the models of the demo",
        )
    return found
