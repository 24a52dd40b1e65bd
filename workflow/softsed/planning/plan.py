"""Plan of a run: recordings, folds, systems, labels, curves and trials, computed from the config.

The rule files read everything from one `Plan`, which needs no Snakemake. Paths are relative to the working directory.
Methods that take a stem, method, system, run or trial serve as input and parameter functions of the rules.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.metadata import file_stem
from softsed.core.options import TABLES, as_json
from softsed.core.tsv import read_table
from softsed.planning import choices
from softsed.planning.choices import BASELINES, FrontEnds
from softsed.planning.places import locate_files, workflow_file
from softsed.planning.user_data import UserData

PAPER_SYSTEMS = "workflow/resources/paper_table2.tsv"


@dataclass(frozen=True)
class Plan:
    """All values that the rules read from a checked config.

    Attributes
    ----------
    config : dict
        The config, with the paths of the tables that the steps read.
    source : str
        Where recordings come from: "maestro_real", "demo", "own" (audio from the user) or "opinions" (without audio).
    tables : dict of str
        Paths of the tables of recordings, classes and scenes that the steps read.
    user : UserData
        Files that the user provides.
    recordings : dict of str
        Stem of a recording's files in results (`file_stem`) to the recording, in the order of their table, or sorted.
    rows : list of tuple
        Recording, scene and duration as text, per row of the table; empty for data from the user.
    scenes : dict of str
        Recording -> scene, for the recordings of `rows`.
    folds : list of int
    systems : list of str
        Systems to train: those with the labels of `method` first, among them the systems of the paper first.
    reference_systems : list of str
        Systems trained on the labels of `method`, which are the reference of Tables 1 and 2.
    method : str
        Method of the reference labels; "published" or "given" where the labels do not come from opinions.
    methods : list of str
        All methods by which labels are made, `method` first.
    truth : list of str
        Files with the ground truth, one per recording; empty where it is not known.
    curves : list of str
        Curves of Fig. 2.
    trials : list of int
    front_ends : FrontEnds
    notes : list of str
        Warnings about parts of the config that are left out.
    """

    config: dict
    source: str
    tables: dict[str, str]
    user: UserData
    recordings: dict[str, str]
    rows: list[tuple[str, str, str]]
    scenes: dict[str, str]
    folds: list[int]
    systems: list[str]
    reference_systems: list[str]
    method: str
    methods: list[str]
    truth: list[str]
    curves: list[str]
    trials: list[int]
    front_ends: FrontEnds
    notes: list[str]

    @classmethod
    def from_config(cls, config: dict, *, check: bool = False) -> "Plan":
        """Build the plan of a config that `softsed.planning.config.check_config` has accepted.

        Parameters
        ----------
        config : dict
        check : bool
            Check all tables and user-provided files completely (`UserData.check`) before every call, but not in every
            job. The check is not a rule: the jobs that depend on a rule either rerun with it or, with `ancient`, do not
            rerun after a change of their own (Snakemake 9.27.1, snakemake#4166).

        Raises
        ------
        InputError
            If `check` finds problems, a table cannot be read, or a curve names no system that is trained on the
            reference labels.
        """
        config = locate_files(config)
        source, results = choices.source_of(config), f"results/{config['experiment']}"
        notes = choices.find_gaps(config["features"]) if source != "opinions" else []
        user = UserData.from_config(config)
        # The rule infer_tables writes all three tables for audio, and otherwise those that the config does not name.
        tables = {name: f"{results}/data/{name}.tsv" for name in TABLES} | ({} if source == "own" else user.tables)
        if check:
            user.check(config, Path(f"{results}/data"))
        columns = ("recording", "scene", "duration_s")
        listed = [] if source in ("own", "opinions") else read_table(Path(tables["recordings"]), columns)
        rows = [(row["recording"], row["scene"], row["duration_s"]) for row in listed]
        listed_names = [name for name, *_ in rows] or list(user.audio)
        recordings = choices.opinion_recordings(config) if source == "opinions" else listed_names

        given = "given" if source == "own" else "published"
        method = config["labels"]["method"] if choices.makes_labels(config) else given
        methods = list(dict.fromkeys([method, *choices.asked_methods(config)]))
        systems = {name: system for name, system in config["systems"].items() if system}
        if choices.drops_joint(config, method, systems):
            long = f"{config['opinions']} has windows of more than {choices.LONGEST_JOINT_S} s"
            notes.append(
                f"joint is left out of labels.compare: {long}, which only `labels.joint.target: people` accepts"
            )
            methods.remove("joint")
        by_method = {name: system.get("method", method) for name, system in systems.items()}
        in_paper = [row["system"] for row in read_table(Path(workflow_file(PAPER_SYSTEMS)), ("system",))]
        # Snakemake puts the systems of a later config file before those of config.yaml.
        order = sorted(systems, key=lambda name: (by_method[name] != method, name not in in_paper))
        reference = [name for name in order if by_method[name] == method]
        return cls(
            config=config | tables,
            source=source,
            tables=tables,
            user=user,
            recordings={file_stem(name): name for name in recordings},
            rows=rows,
            scenes={name: scene for name, scene, _ in rows},
            folds=list(range(1, config["folds"]["number"] + 1)),
            systems=order,
            reference_systems=reference,
            method=method,
            methods=methods,
            truth=choices.find_truth(config, source, recordings),
            curves=choices.choose_curves(config, reference, notes),
            trials=list(range(1, config["trials"]["repetitions"] + 1)) if "trials" in config else [],
            front_ends=FrontEnds.from_config(config, results, recordings, check=check),
            notes=notes,
        )

    @property
    def results(self) -> str:
        """Folder of the results of this experiment."""
        return f"results/{self.config['experiment']}"

    @property
    def baselines(self) -> list[str]:
        """Systems without audio: the priors."""
        return BASELINES

    @property
    def all_systems(self) -> list[str]:
        """All systems to train, and the baselines without audio."""
        return self.systems + BASELINES

    @property
    def compared_systems(self) -> list[str]:
        """Systems whose metrics refer to the labels of the reference, and the baselines without audio."""
        return self.reference_systems + BASELINES

    @property
    def other_systems(self) -> list[str]:
        """Systems with labels by other methods. They are evaluated only against the ground truth; empty without one."""
        return [system for system in self.systems if system not in self.reference_systems and self.truth]

    @property
    def from_opinions(self) -> bool:
        """Whether labels are made from opinions."""
        return choices.makes_labels(self.config)

    @property
    def opinions(self) -> str:
        """Table of opinions: from the user, or of the simulated annotators."""
        return self.user.labels if self.config["opinions"] else f"{self.results}/data/opinions.tsv"

    @property
    def truth_option(self) -> str:
        """Option with the folder of the ground truth: the names of thousands of files may not fit into a command."""
        return f"--truth={shlex.quote(str(Path(self.truth[0]).parent))}" if self.truth else ""

    def derive_seed(self, *parts: object) -> int:
        """Derive the seed of one job: the same parts give the same number, other parts an unrelated number."""
        text = json.dumps([self.config["seed"], *map(str, parts)])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def trial_seed(self, trial: str) -> int:
        """Derive the seed of one trial."""
        return self.derive_seed("trials", trial)

    def name_of(self, stem: str) -> str:
        """Return the recording whose files in results have this stem."""
        if stem in self.recordings:
            return self.recordings[stem]
        raise InputError(f"there is no recording {stem!r}", file=self.user.folder or self.tables["recordings"])

    def scene_of(self, stem: str) -> str:
        """Return the scene of a listed recording."""
        return self.scenes[self.name_of(stem)]

    def audio_of(self, stem: str) -> str:
        """Return the audio file of a recording: from the user, or made by the stage data."""
        made = f"{self.results}/data/audio/{stem}.wav"
        return self.user.audio[self.name_of(stem)] if self.source == "own" else made

    def listed_until(self, stem: str) -> str:
        """Hash a recording and the recordings of its scene that are listed before it."""
        scene = [row for row in self.rows if row[1] == self.scene_of(stem)]
        position = [name for name, *_ in scene].index(self.name_of(stem))
        return hashlib.sha256(as_json(scene[: position + 1]).encode()).hexdigest()[:12]

    def labels(self, kind: str, methods: Iterable[str] | None = None) -> list[str]:
        """List the tables of soft or hard labels by the given methods; by the reference method without an argument."""
        return [f"{self.results}/labels/{name}/{kind}.tsv" for name in methods or [self.method]]

    def soft_labels_of(self, system: str) -> list[str]:
        """List the soft labels by the method whose labels a system is trained on."""
        return self.labels("soft", [self.method_of(system)])

    def hard_labels_of(self, system: str) -> list[str]:
        """List the hard labels that a system is trained on; empty for a system trained on soft labels."""
        return self.labels("hard", [self.method_of(system)]) if system in self.trained_on("hard") else []

    def counts_of(self, system: str) -> list[str]:
        """List the table of the numbers of opinions if a system is weighted by them."""
        return [f"{self.results}/labels/counts.tsv"] if "weight" in self.config["systems"][system] else []

    def trained_on(self, *kinds: str) -> list[str]:
        """List the systems that are trained on hard labels, soft labels or opinions."""
        return [system for system in self.systems if self.config["systems"][system]["labels"] in kinds]

    def method_of(self, system: str) -> str:
        """Return the method of the labels a system is trained on; the reference method for baselines without audio."""
        return self.method if system in BASELINES else self.config["systems"][system].get("method", self.method)

    def loss_of(self, system: str) -> str:
        """Return the loss of a system; "none" for baselines without audio, which are not trained."""
        return "none" if system in BASELINES else self.config["systems"][system]["loss"]

    def system_settings(self, system: str) -> dict:
        """Return the settings of a system for its training, with the method of its labels."""
        return self.config["systems"].get(system, {}) | {"method": self.method_of(system)}

    @property
    def asks(self) -> bool:
        """Report whether the next questions to the crowd can be chosen, which needs labels by joint of events."""
        return "joint" in self.methods and self.config["labels"]["joint"]["target"] == "event"

    def estimator(self, method: str) -> dict:
        """Return a method of making labels, and the keys of the section labels that the method reads."""
        return choices.label_settings(self.config["labels"], method)

    def threshold(self, method: str) -> float | str:
        """Return the threshold of the hard labels by a method."""
        return choices.label_threshold(self.config["labels"], method)

    def trial_settings(self) -> dict:
        """Return the section trials without the keys that decide which trials and methods there are."""
        return {key: value for key, value in self.config["trials"].items() if key not in ("methods", "repetitions")}

    def trial_methods(self) -> dict:
        """Return estimator and threshold of every method that the trials compare."""
        methods = self.config["trials"]["methods"]
        return {one: {"config": self.estimator(one), "threshold": self.threshold(one)} for one in methods}

    def fold_settings(self) -> dict:
        """Return the keys of the section folds that the chosen source of the folds needs."""
        return choices.fold_settings(self.config["folds"])

    def fold_seed(self) -> int:
        """Return the seed of generated folds; 0 for official folds, which are not random."""
        return self.derive_seed("folds") if self.config["folds"]["source"] == "generated" else 0

    def carried(self) -> dict:
        """Return the settings that a model file contains for other recordings, in addition to those of its training."""
        return self.config["predict"] | {key: self.config["evaluate"][key] for key in ("threshold", "trim")}

    def runs_of(self, system: str) -> list[int]:
        """List the runs of a system; baselines without audio have one."""
        return [1] if system in BASELINES else list(range(1, self.config["runs"] + 1))

    def runs_as_json(self, systems: Iterable[str]) -> str:
        """Return the runs of systems as JSON, in the order of the systems, which `as_json` would lose."""
        return json.dumps({system: self.runs_of(system) for system in systems})

    def per_run(self, pattern: str, systems: Iterable[str]) -> list[str]:
        """Fill a pattern with every system and run, and with every fold where it has ``{fold}``."""
        folds = self.folds if "{fold}" in pattern else [0]
        return [
            pattern.format(system=system, fold=fold, run=run)
            for system in systems
            for fold in folds
            for run in self.runs_of(system)
        ]
