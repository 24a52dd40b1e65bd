"""What systems read: mel energies, and embeddings that the user provides or that a model of the user makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.metadata import file_stem
from softsed.features.embed import BATCH
from softsed.features.embeddings import find_files
from softsed.planning.patterns import pattern_error

KEY = "features.embeddings"
MEL, EMBEDDINGS = "mel", "embeddings"
OF_MODEL = ("sample_rate", "window_s")  # keys beside `model`


@dataclass(frozen=True)
class FrontEnds:
    """Front ends of the systems, and the files of their embeddings.

    Attributes
    ----------
    results : str
        Folder of the results.
    kinds : dict of str
        "mel", "embeddings" or "both" per system.
    mel : dict
        The section ``features`` without the embeddings, which no mel energy depends on.
    settings : dict
        The section ``features.embeddings`` without the paths, whose content counts and not their names.
    folder : str
        Folder of the files of embeddings: of the user, or made by the workflow.
    model : list of str
        The model that makes the embeddings; empty if the user provides them.
    files : dict of str
        File of embeddings per stem of a recording; empty if no system reads embeddings.
    """

    results: str
    kinds: dict[str, str]
    mel: dict
    settings: dict
    folder: str
    model: list[str]
    files: dict[str, str]

    @classmethod
    def from_config(cls, config: dict, results: str, recordings: list[str], *, check: bool = False) -> "FrontEnds":
        """Find the embeddings of the recordings.

        Parameters
        ----------
        config : dict
        results : str
            Folder of the results.
        recordings : list of str
        check : bool
            Check that the model, or exactly one file per recording, exists.

        Raises
        ------
        InputError
            If `check` finds a problem.
        """
        kinds = {name: front_end_of(system) for name, system in config["systems"].items() if system}
        mel = {key: value for key, value in config["features"].items() if key != "embeddings"}
        section = config["features"]["embeddings"]
        without_audio = config["opinions"] and not config["audio"]
        if not section or without_audio or set(kinds.values()) <= {MEL}:
            return cls(results, kinds, mel, {}, "", [], {})
        settings = {"batch": BATCH} | {key: value for key, value in section.items() if key not in ("folder", "model")}
        if model := section.get("model"):
            if check and not Path(model).is_file():
                raise InputError(f"there is no file {model!r} in {Path.cwd()}", key=f"{KEY}.model", expected="a model")
            folder = f"{results}/embeddings/files"
            files = {stem: f"{folder}/{stem}.npy" for stem in map(file_stem, recordings)}
            return cls(results, kinds, mel, settings, folder, [model], files)
        problems, folder = Problems(), section["folder"]
        found = {file_stem(name): str(path) for name, path in find_files(Path(folder), recordings, problems).items()}
        if check:
            for path in found.values():
                if error := pattern_error(f"{KEY}.folder", path):
                    problems.add("names", error)
            problems.raise_all("in the embeddings", alone=True)
        return cls(results, kinds, mel, settings, folder, [], found)

    def features_of(self, system: str) -> list[str]:
        """List the manifest of the mel energies if a system reads them."""
        return [] if self.kinds[system] == EMBEDDINGS else [f"{self.results}/features/index.tsv"]

    def embeddings_of(self, system: str) -> list[str]:
        """List the manifest of the embeddings if a system reads them."""
        return [] if self.kinds[system] == MEL else self.manifest

    @property
    def manifest(self) -> list[str]:
        """The manifest of the embeddings; empty if no system reads them."""
        return [f"{self.results}/embeddings/manifest.json"] if self.files else []


def front_end_of(system: dict) -> str:
    """Return the front end of a system."""
    return system.get("front_end", MEL)


def contradictions(config: dict) -> Iterator[InputError]:
    """Find systems without embeddings, and settings of embeddings that contradict each other."""
    section = config["features"]["embeddings"]
    if section is None:
        names = [name for name, system in config["systems"].items() if system and front_end_of(system) != MEL]
        if names:
            problem = f"{', '.join(names)} read embeddings, but {KEY} is null"
            remedy = f"Set {KEY}, or use the front end mel"
            yield InputError(problem, key=f"systems.{names[0]}.front_end", remedy=remedy)
        return
    for key in ("folder", "model"):
        if error := pattern_error(f"{KEY}.{key}", section.get(key)):
            yield error
    if ("folder" in section) == ("model" in section):
        problem = f"{'both' if 'folder' in section else 'neither'} of the keys folder and model are set"
        yield InputError(problem, key=KEY, expected="one of them: files, or the model that makes them")
    elif "model" in section and (missing := [key for key in OF_MODEL if key not in section]):
        problem = f"the model needs {' and '.join(missing)}"
        yield InputError(problem, key=KEY, expected="the sampling rate (Hz) and the window (seconds) of the model")
