"""Choices of a config: source of the data, methods, ground truth, curves, and inputs of the systems."""

from dataclasses import dataclass
from pathlib import Path

from softsed.core.errors import InputError, Problems
from softsed.core.event_text import truth_files
from softsed.core.metadata import file_stem
from softsed.core.tsv import read_table
from softsed.data.infer_tables import longest_window, recording_names
from softsed.features.embed import BATCH
from softsed.features.embeddings import find_files
from softsed.labels.harden import EXPECTED_F1
from softsed.labels.joint.forward_backward import LONGEST_S as LONGEST_JOINT_S
from softsed.planning.patterns import pattern_error

BASELINES = ["scene_prior", "recording_prior"]  # systems without audio
TRUTH = "truth"  # method of a system that is trained on the true events, which no crowd has labelled
MEL, EMBEDDINGS = "mel", "embeddings"  # front ends of systems; the third is both
EMBEDDINGS_KEY = "features.embeddings"
RENDERING = {"events", "backgrounds", "level"}  # keys of data.demo that make an experiment the demo


def source_of(config: dict) -> str:
    """Return where recordings come from: "own" (user's audio), "opinions" (without audio), "demo" or "maestro_real".

    The section data.demo alone does not decide, because `trials` need its crowd in every experiment.
    """
    if config["audio"]:
        return "own"
    if config["opinions"]:
        return "opinions"
    return "demo" if renders_demo(config) else "maestro_real"


def renders_demo(config: dict) -> bool:
    """Report whether the config describes rendered recordings."""
    return not RENDERING.isdisjoint(config["data"].get("demo", {}))


def makes_labels(config: dict) -> bool:
    """Report whether labels are made from opinions: those of the user or of the simulated annotators."""
    return bool(config["opinions"]) or source_of(config) == "demo"


def asked_methods(config: dict) -> list[str]:
    """List the methods of making labels from opinions that labels.compare and the systems name."""
    systems = [system["method"] for system in config["systems"].values() if system and "method" in system]
    return [*config["labels"]["compare"], *(method for method in systems if method != TRUTH)]


def opinion_systems(config: dict) -> list[str]:
    """List the systems that are trained on opinions."""
    return [name for name, system in config["systems"].items() if system and system["labels"] == "opinions"]


def truth_systems(config: dict) -> list[str]:
    """List the systems that are trained on the true events."""
    return [name for name, system in config["systems"].items() if system and system.get("method") == TRUTH]


def opinion_recordings(config: dict) -> list[str]:
    """List the recordings of the table of recordings or, without one, of the opinions. `UserData.check` checks both."""
    if config["recordings"]:
        return [row["recording"] for row in read_table(Path(config["recordings"]), ("recording",))]
    return recording_names(Path(config["opinions"]))


def find_gaps(features: dict) -> list[str]:
    """Return a note if the window is shorter than the hop. Samples between two windows are then not analysed."""
    window, hop = features["window"], round(features["hop_s"] * features["sample_rate"])
    if window >= hop:
        return []
    problem = (
        f"features.window is {window}, but the hop is {hop} samples: {hop - window} samples per hop are not analysed"
    )
    return [f"{problem}. Set features.window to at least {hop}"]


def label_settings(labels: dict, method: str) -> dict:
    """Return a method of making labels, and the keys of the section labels that the method reads."""
    if method == "joint":
        return {"method": method} | {key: labels["joint"][key] for key in ("target", "class_weight")}
    return {"method": method, "competence": labels["competence"]}


def label_threshold(labels: dict, method: str) -> float | str:
    """Return the threshold of the hard labels by a method."""
    if method != "joint":
        return labels["threshold"]
    if labels["joint"]["threshold"] != "auto":
        return labels["joint"]["threshold"]
    return EXPECTED_F1 if labels["joint"]["target"] == "event" else 0.5


def fold_settings(folds: dict) -> dict:
    """Return the keys of the section folds that the chosen source of the folds needs."""
    kept = "validation" if folds["source"] == "generated" else "official"
    values = {"validation": folds["validation"], "official": {"sha256": folds["official"]["sha256"]}}
    return {"source": folds["source"], "number": folds["number"], kept: values[kept]}


def refuses_windows(labels: dict, window_s: float) -> bool:
    """Report whether joint cannot use windows of this length: its states double with each second for events."""
    return labels["joint"]["target"] == "event" and window_s > LONGEST_JOINT_S


def drops_joint(config: dict, method: str, systems: dict) -> bool:
    """Report whether joint is listed for comparison only, and the user's windows are too long for this method."""
    used = {method, *(system.get("method") for system in systems.values())}
    if not config["opinions"] or "joint" in used or "joint" not in config["labels"]["compare"]:
        return False
    return refuses_windows(config["labels"], longest_window(Path(config["opinions"])))


def find_truth(config: dict, source: str, recordings: list[str]) -> list[str]:
    """List the files of the ground truth: in a folder of the user, or made by the demo.

    A recording without exactly one file in the folder has the file RECORDING.txt, which may be missing. The check of
    the true events reports it.
    """
    if folder := config["truth"]:
        found = truth_files(Path(folder), recordings, Problems())
        names = (found[name].name if name in found else f"{name}.txt" for name in recordings)
        files = [f"{folder}/{name}" for name in names]
        if error := next(filter(None, (pattern_error("truth", path) for path in files)), None):
            raise error
        return files
    made = f"results/{config['experiment']}/data/truth"
    return [f"{made}/{file_stem(recording)}.tsv" for recording in recordings] if source == "demo" else []


def choose_curves(config: dict, reference: list[str], notes: list[str]) -> list[str]:
    """Leave out the curves of systems that are null, with a note, and check the remaining curves.

    If no curve remains, Fig. 2 shows all compared systems and the scene prior at the fixed threshold, with a note.
    """
    names = {curve: curve.split(":")[0] for curve in config["report"]["curves"]}
    known = [*reference, *BASELINES]
    kept = [curve for curve, name in names.items() if config["systems"].get(name, True) is not None]
    if dropped := [curve for curve in names if curve not in kept]:
        notes.append(f"{', '.join(dropped)} left out of report.curves: the config sets these systems to null")
    if unknown := [curve for curve in kept if names[curve] not in known]:
        problem = f"the curve {unknown[0]!r} is not of a system that is trained on the reference labels"
        raise InputError(problem, key="report.curves", expected=f"curves of {known}")
    if not kept:
        kept = [f"{name}:h" for name in [*reference, BASELINES[0]]]
        notes.append(f"all listed curves belong to systems set to null; report.curves becomes {', '.join(kept)}")
    return kept


def front_end_of(system: dict) -> str:
    """Return the front end of a system."""
    return system.get("front_end", MEL)


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
        The section ``features`` without the embeddings, on which no mel energy depends.
    settings : dict
        The section ``features.embeddings`` without the paths, because the content of the files counts and not their
        names.
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
                raise InputError(
                    f"there is no file {model!r} in {Path.cwd()}", key=f"{EMBEDDINGS_KEY}.model", expected="a model"
                )
            folder = f"{results}/embeddings/files"
            files = {stem: f"{folder}/{stem}.npy" for stem in map(file_stem, recordings)}
            return cls(results, kinds, mel, settings, folder, [model], files)
        problems, folder = Problems(), section["folder"]
        found = {file_stem(name): str(path) for name, path in find_files(Path(folder), recordings, problems).items()}
        if check:
            for path in found.values():
                if error := pattern_error(f"{EMBEDDINGS_KEY}.folder", path):
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
