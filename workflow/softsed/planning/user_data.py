"""Files that the user provides: audio, labels or opinions, and tables."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from softsed.core.audio import find_audio
from softsed.core.code_hash import content
from softsed.core.errors import Problems
from softsed.core.options import DATASET_KINDS, TABLES
from softsed.core.text.files import visible_files
from softsed.planning.config import check_tables
from softsed.planning.places import check_paths


def unlike_option(path: str) -> str:
    """Return a path that the parser of a command does not read as an option: ``./-x.tsv`` for ``-x.tsv``."""
    return f"./{path}" if path.startswith("-") else path


@dataclass(frozen=True)
class UserData:
    """Paths of the user's data in the config.

    Attributes
    ----------
    folder : str
        Folder of the audio; empty without audio.
    audio : dict of str
        Recording to its audio file, sorted; empty without audio.
    kind : str
        "soft", "hard" or "opinions"; empty for the demo and MAESTRO Real.
    labels : str
        File or folder of the labels or opinions; empty for the demo and MAESTRO Real.
    tables : dict of str
        Paths of the user's tables of recordings, classes and scenes, for the keys that the config sets.
    unticked : str
        Key ``unticked`` of the config with opinions; empty without opinions.
    """

    folder: str
    audio: dict[str, str]
    kind: str
    labels: str
    tables: dict[str, str]
    unticked: str

    @classmethod
    def from_config(cls, config: dict) -> "UserData":
        """Find the data; `check` reports their problems."""
        found = find_audio(Path(config["audio"]), Problems()) if config["audio"] else {}
        kind = next((kind for kind in DATASET_KINDS if config[kind]), "")
        tables = {name: unlike_option(config[name]) for name in TABLES if config[name]}
        audio = {name: str(path) for name, path in found.items()}
        labels = unlike_option(config[kind]) if kind else ""
        unticked = config["unticked"] if kind == "opinions" else ""
        return cls(config["audio"] or "", audio, kind, labels, tables, unticked)

    def content(self) -> list[str]:
        """Hash labels or opinions and tables by content; empty for the demo and MAESTRO Real."""
        return content(*map(Path, (self.labels, *self.tables.values()))) if self.kind else []

    def label_files(self) -> list[str]:
        """List the files of the labels, which may be a folder with one text file per recording."""
        path = Path(self.labels)
        return [str(file) for file in visible_files(path, ".txt")] if path.is_dir() else [str(path)]

    def options(self) -> str:
        """Return the options that pass the dataset to `softsed data.infer_tables`."""
        given = ({"audio": self.folder} if self.folder else {}) | {self.kind: self.labels} | self.tables
        given |= {"unticked": self.unticked} if self.unticked else {}
        return " ".join(f"--{name}={shlex.quote(path)}" for name, path in given.items())

    def check(self, config: dict, inferred: Path) -> None:
        """Check all paths of the config, then audio, labels, tables and true events; warn about unsuitable audio.

        Parameters
        ----------
        config : dict
            The config, for its folds, its classes to evaluate, its features and its true events.
        inferred : Path
            Folder of the tables that an earlier run inferred from the dataset; may be missing.

        Raises
        ------
        InputError
            With all paths that do not exist, or else all problems of the dataset.
        """
        check_paths(config)
        if not self.kind:
            check_tables(config, {name: Path(config[name]) for name in TABLES})
            return
        # Imported only here, because their import takes longer than planning.
        from softsed.features.examine import examine_readable, warn  # noqa: PLC0415
        from softsed.planning.validate import check_before  # noqa: PLC0415

        checked_now = check_before(
            inferred / "recordings.tsv",
            audio=Path(self.folder) if self.folder else None,
            labels=Path(self.labels),
            kind=self.kind,
            tables={name: Path(self.tables[name]) if name in self.tables else None for name in TABLES},
            folds=config["folds"]["number"],
            validation=config["folds"]["validation"],
            evaluated=config["evaluate"]["classes"] if self.folder else "all",
            unticked=config["unticked"],
            truth=Path(config["truth"]) if config["truth"] else None,
        )
        if checked_now:
            warn(examine_readable({name: Path(path) for name, path in self.audio.items()}), config["features"]["f_max"])
