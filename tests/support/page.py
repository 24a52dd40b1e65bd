"""A small results page with random numbers and with names that would do harm if they were not escaped."""

import json
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from softsed.core.labels import to_events, write_hard, write_soft
from softsed.core.metadata import file_stem
from softsed.core.scores import write_scores
from softsed.planning.templates import list_templates
from softsed.report.page import build, media

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow/softsed"
TEMPLATES = [ROOT / path for path in list_templates(str(PACKAGE / "report/page/templates/index.html.j2"))]
ASSETS = sorted(path for path in (PACKAGE / "report/page/assets").rglob("*") if path.suffix in (".css", ".js"))

HOSTILE = '<img src=x onerror="document.title=1">'
CLASSES = ["car", HOSTILE, "</script><script>document.title=2</script>", "rare & never labelled"]
NAMES = ["one", "two", "<b>three & 'four' %41 #5", 'fi"ve']
SYSTEMS = ["net", "<i>linear</i>", "scene_prior"]
PRIORS = ["scene_prior"]
TRAINING = {"labels": "soft", "loss": "focal", "output": "sigmoid", "augment": {"mixup": 0.2}}
TRAINING |= {"weight": "opinions", "class_weights": "balanced"}  # settings of the first system
FOLDS = {"fold1": NAMES[:2], "fold2": NAMES[2:]}
FORMAT = {"sample_rate": 8000, "channels_cancel": 0}
CONFIG = {"classes": "all", "threshold": 0.5, "trim": 10}


@dataclass
class Made:
    """A page and its content: labels and scores [seconds, classes] of each recording."""

    page: Path
    soft: dict[str, np.ndarray] = field(default_factory=dict)
    hard: dict[str, np.ndarray] = field(default_factory=dict)
    scores: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def training(self, name: str) -> list[np.ndarray]:
        """Soft labels of the one training recording of the fold that tests a recording."""
        (others,) = (names for names in FOLDS.values() if name not in names)
        return [self.soft[others[0]]]


def tsv(path: Path, rows: list[dict]) -> str:
    lines = ["\t".join(rows[0]), *("\t".join(str(value) for value in row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def report_tables(folder: Path) -> list[str]:
    """Write tables like those of the report; table2 has an empty cell, and its numbers sort differently as text."""
    score = {"error_rate": ["0.9", "", "0.10"], "f1_micro": ["5", "61", "7.5"], "f1_macro": ["1", "2", "3"]}
    ranking = ("f1_best_macro", "mpauc", "auroc_within")
    names = [*score, *ranking]
    empty = dict.fromkeys([*ranking, *(f"{name}_std" for name in names), "kld_time_soft", "kld_bernoulli_soft"], "")
    empty |= dict.fromkeys(("paper_error_rate", "paper_f1", "paper_kld", "kld_reference", "classes_detected"), "")
    empty |= dict.fromkeys(("classes_in_reference", "without_hard_labels", "without_hard_labels_detected"), "")
    empty |= dict.fromkeys(("other_classes", "other_classes_detected"), "")
    table2 = [
        {"system": name, "threshold": "0.5", **{key: values[i] for key, values in score.items()}, **empty}
        for i, name in enumerate(SYSTEMS)
    ]
    keys = {"threshold": "0.5", "reference": "hard", "metric": "f1_micro"}
    best = {"threshold": "any", "metric": "f1_best_macro"}
    metrics = [{"system": name, **keys, "value": 60, "low": 50, "high": 70, "run_std": ""} for name in SYSTEMS]
    metrics.append(metrics[0] | best)
    gap = {"system": "net", "against": PRIORS[0], **keys, "difference": -3, "low": -5, "high": -1}
    truth = [
        {"system": name, "method": HOSTILE, "threshold": "0.5", "error_rate": 0.5, "f1_micro": 50, "f1_macro": 40}
        | dict.fromkeys([*ranking, *(f"{name}_std" for name in names)], "")
        | {"mse": 0.1, "mse_std": "", "classes_detected": 3, "classes_in_reference": 4}
        | {"against": "", "against_threshold": ""}
        for name in SYSTEMS
    ]
    rows = {
        "table1": [{"scene": HOSTILE, "car": 3, "files": 4, "minutes": 1.0}],
        "table2": table2,
        "intervals": metrics,
        "differences": [gap, gap | best, gap | best | {"reference": "truth"}],
        "truth": truth,
    }
    return [tsv(folder / f"{name}.tsv", table) for name, table in rows.items()]


def build_page(folder: Path, *, sound: bool = True, runs: int = 1) -> Made:
    """Build the page, its sounds and its pictures in a folder with the commands of the steps."""
    rng = np.random.default_rng(7)
    made = Made(folder / "page" / "index.html")
    for place, name in enumerate(NAMES):
        soft = np.round(rng.random((14 + place, len(CLASSES))), 6)
        soft[:, 3] = 0
        soft[:, 2] = np.nan if place == 1 else soft[:, 2]  # no annotator was asked about the class in this recording
        made.soft[name], made.hard[name] = soft, np.nan_to_num(soft) > 0.5
    for system in SYSTEMS:
        made.scores[system] = {n: np.round(rng.uniform(-0.2, 1.2, v.shape), 6) for n, v in made.soft.items()}
    for fold, names in FOLDS.items():
        part = dict.fromkeys(names, "test") | dict(
            zip([n for n in NAMES if n not in names], ("train", "validation"), strict=True)
        )
        tsv(folder / f"{fold}.tsv", [{"recording": n, "scene": "street", "part": part[n]} for n in NAMES])
        for system in SYSTEMS:
            path = folder / "predictions" / system / "run1" / f"{fold}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_scores(path, {name: made.scores[system][name] for name in names}, CLASSES)
    for system, name in product(SYSTEMS, NAMES):  # the class is annotated in the scene, so these scores do not count
        made.scores[system][name][np.isnan(made.soft[name])] = np.nan
    write_soft(folder / "soft.tsv", made.soft, CLASSES)
    write_hard(folder / "hard.tsv", {name: to_events(active, CLASSES) for name, active in made.hard.items()})
    tsv(folder / "classes.tsv", [{"class": name} for name in CLASSES])
    made_on = {"seed": 7, "precision": "float32", "made": {"device": "cpu", "threads": 1}}
    origin = {
        "commit": None,
        "versions": {"torch": "1.0"},
        "config": {"experiment": HOSTILE, "systems": {"net": TRAINING, "left_out": None}},
        "metrics": {},
        "models": {},
        "report": {},
    }
    origin |= {"data": {HOSTILE: "0123"}, "trainings": {f"models/{SYSTEMS[1]}/run1/fold1.pt": made_on}}
    (folder / "origin.json").write_text(json.dumps(origin))
    curves = [{"class": name, "instances": 3, "net": 50, "scene_prior_s": 20} for name in CLASSES]
    losses = [
        {"system": SYSTEMS[1], "run": run, "fold": fold, "epoch": epoch, "train_loss": 1 / epoch, "validation_loss": ""}
        for run in range(1, runs + 1)
        for fold in (1, 2)
        for epoch in (1, 2, 3)
    ]
    arguments = {
        "--predictions": [str(folder / "predictions")],
        "--systems": SYSTEMS,
        "--priors": PRIORS,
        "--folds": [str(folder / f"{fold}.tsv") for fold in FOLDS],
        "--soft": [str(folder / "soft.tsv")],
        "--hard": [str(folder / "hard.tsv")],
        "--classes": [str(folder / "classes.tsv")],
        "--config": [json.dumps(CONFIG)],
        "--tables": report_tables(folder),
        "--figure2": [tsv(folder / "figure2.tsv", curves)],
        "--training": [tsv(folder / "training.tsv", losses)],
        "--origin": [str(folder / "origin.json")],
        "--audio": [tsv(folder / "audio.tsv", [{"recording": n, **FORMAT} for n in NAMES])],
        "--f-max": ["14000"],
        "--templates": [str(path) for path in TEMPLATES],
        "--assets": [str(path) for path in ASSETS],
        "--experiment": [HOSTILE],
        "--page": [str(made.page)],
    }
    (folder / "page/media").mkdir(parents=True)
    build.main([text for option, values in arguments.items() for text in (option, *values)])
    for name, soft in made.soft.items() if sound else ():
        audio, features = folder / "audio.wav", folder / "features.npz"
        soundfile.write(audio, 0.1 * rng.standard_normal(len(soft) * 8000 + 900), 8000)
        np.savez(features, mel=rng.random((len(soft) * 5 + 2, 64)), hop_s=0.2)
        files = [str(made.page.parent / "media" / f"{file_stem(name)}.{form}") for form in ("mp3", "webp")]
        media.main(["--audio", str(audio), "--features", str(features), "--sound", files[0], "--picture", files[1]])
    return made
