"""Cross-validation folds: assign each recording to training, validation or test.

Conventions
-----------
- Folds count from 1. In each fold, a recording belongs to one part: train, validation or test. Over all folds, each
  recording belongs to the test part exactly once.
- ``fold{fold}.tsv`` has the columns recording, scene, part.
- The official split of MAESTRO Real's 49 development recordings (DCASE 2023 Task 4B) has five folds of about
  26 / 12 / 11 recordings, in files ``fold{fold}_{train,val,test}.csv`` with the column filename, ``scene/recording``.
"""

import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError, count
from softsed.core.metadata import PARTS, Recording, read_recordings
from softsed.core.options import add_options, build_parser
from softsed.core.text.files import recording_name
from softsed.core.tsv import read_text
from softsed.data.download import download

# Part -> its name in the official files.
OFFICIAL_NAMES = {"train": "train", "validation": "val", "test": "test"}

logger = logging.getLogger(__name__)


def generate_folds(
    recordings: dict[str, Recording], *, number: int, validation: float, seed: int
) -> list[dict[str, list[str]]]:
    """Distribute the recordings of each scene over the folds, in random order.

    The test parts of two folds differ by at most one recording, within each scene and in total. A validation part takes
    about the same share of each scene, at least one recording; rounding errors are carried over to the next scene, so
    that the total share is right. The validation recordings of a fold are test recordings of the following folds, so
    that all recordings are used for validation about equally often.

    Parameters
    ----------
    recordings : dict of Recording
        Name -> recording. The order has no influence on the folds.
    number : int
        Number of folds, 2 or more.
    validation : float
        Share of the recordings outside the test part that are used for validation, in (0, 1). The official split has
        about 0.31.
    seed : int
        Seed of the random order.

    Returns
    -------
    list of dict
        For each fold, part -> recordings sorted by name.

    Raises
    ------
    InputError
        If a scene has too few recordings for each part of each fold.
    """
    rng = np.random.default_rng(seed)
    scenes: dict[str, list[str]] = {}
    for name in sorted(recordings):
        scenes.setdefault(recordings[name].scene, []).append(name)
    folds: list[dict[str, list[str]]] = [{part: [] for part in PARTS} for _ in range(number)]
    dealt = 0
    for scene in sorted(scenes):
        names = scenes[scene]
        order = rng.permutation(len(names))
        for fold, parts in enumerate(folds):
            # Number of folds until each recording is in the test part, 0 in this fold. The distribution continues
            # where the previous scene ended.
            later = {names[index]: (dealt + place - fold) % number for place, index in enumerate(order)}
            rest = sorted((name for name in later if later[name]), key=later.__getitem__)
            outside = len(parts["train"]) + len(parts["validation"]) + len(rest)
            share = max(1, round(validation * outside) - len(parts["validation"]))
            if len(names) < number or share >= len(rest):
                raise InputError(
                    f"scene {scene!r} has {count(len(names), 'recording', 'recordings')}, too few for "
                    f"{count(number, 'fold', 'folds')} with test and training recordings and "
                    f"{count(share, 'validation recording', 'validation recordings')} each",
                    key="folds.number",
                    remedy="Lower `number` or `validation` in the section `folds` of the config",
                )
            parts["test"] += [name for name in later if not later[name]]
            parts["validation"] += rest[:share]
            parts["train"] += rest[share:]
        dealt += len(names)
    return [{part: sorted(names) for part, names in parts.items()} for parts in folds]


def fetch_official(config: dict, lists: Path, *, number: int) -> list[dict[str, Path]]:
    """Download the official lists and verify their hashes.

    Parameters
    ----------
    config : dict
        ``address`` (URL or folder; a list is at ``ADDRESS/FILE``) and ``sha256`` (file -> hash).
    lists : Path
        Folder that keeps downloaded lists.
    number : int
        Number of folds.

    Returns
    -------
    list of dict
        For each fold, part -> verified file.

    Raises
    ------
    InputError
        If a list has no hash in the config, or cannot be downloaded, see `softsed.data.download.download`.
    """
    folds = []
    for fold in range(1, number + 1):
        paths = {}
        for part, official in OFFICIAL_NAMES.items():
            name = f"fold{fold}_{official}.csv"
            if name not in config["sha256"]:
                expected = f"one of {sorted(config['sha256'])}"
                raise InputError(f"no hash of the list {name}", key="folds.official.sha256", expected=expected)
            url = f"{config['address'].rstrip('/')}/{name}"
            paths[part] = download(url, lists / name, digest=f"sha256:{config['sha256'][name]}")
        folds.append(paths)
    return folds


def read_official(folds: list[dict[str, Path]], recordings: dict[str, Recording]) -> list[dict[str, list[str]]]:
    """Read the official lists and check them against the table of recordings.

    Parameters
    ----------
    folds : list of dict
        For each fold, part -> list, as from `fetch_official`.
    recordings : dict of Recording
        Name -> recording.

    Returns
    -------
    list of dict
        For each fold, part -> recordings sorted by name.

    Raises
    ------
    InputError
        If a row is not ``scene/recording`` of the table, or a recording is in two parts of a fold, in no part of a
        fold, or not in exactly one test part.
    """
    result: list[dict[str, list[str]]] = []
    tested: dict[str, Path] = {}
    for paths in folds:
        listed: dict[str, Path] = {}
        parts = {}
        for part, path in paths.items():
            parts[part] = sorted(_read_list(path, recordings))
            for name in parts[part]:
                if name in listed:
                    problem = f"recording {name!r} is also in {listed[name]}"
                    raise InputError(problem, file=path, expected="each recording in one part of a fold")
                listed[name] = path
        if missing := sorted(set(recordings) - set(listed)):
            files = ", ".join(str(path) for path in paths.values())
            problem = f"recordings {missing} of the table are not in {files}"
            remedy = "Remove these recordings from the table of recordings, or set folds.source to generated"
            raise InputError(problem, expected="each recording in one part of a fold", remedy=remedy)
        for name in parts["test"]:
            if name in tested:
                problem = f"recording {name!r} is also a test recording in {tested[name]}"
                raise InputError(problem, file=paths["test"], expected="each recording in one test part")
            tested[name] = paths["test"]
        result.append(parts)
    if missing := sorted(set(recordings) - set(tested)):
        problem = f"recordings {missing} are not in a test part of {count(len(folds), 'fold', 'folds')}"
        remedy = "Set folds.number to the number of official folds, remove these recordings from the table of "
        remedy += "recordings, or set folds.source to generated"
        raise InputError(problem, expected="each recording in one test part", remedy=remedy)
    return result


def _read_list(path: Path, recordings: dict[str, Recording]) -> set[str]:
    """Read the recordings of one official list."""
    names: set[str] = set()
    rows = read_text(path)
    if rows[:1] != ["filename"]:
        raise InputError(f"the header is {rows[:1]}", file=path, line=1, expected="the one column 'filename'")
    for line, row in enumerate(rows[1:], start=2):
        scene, _, file = row.partition("/")
        name = recording_name(file)
        if name not in recordings or recordings[name].scene != scene:
            expected = "scene/recording, as in the table of recordings"
            raise InputError(f"the row is {row!r}", file=path, line=line, expected=expected)
        if name in names:
            problem = f"recording {name!r} is listed twice"
            raise InputError(problem, file=path, line=line, expected="one row per recording")
        names.add(name)
    return names


def write_fold(path: Path, parts: dict[str, list[str]], recordings: dict[str, Recording]) -> None:
    """Write the table of one fold (recording, scene, part)."""
    rows = [f"{name}\t{recordings[name].scene}\t{part}\n" for part in PARTS for name in parts[part]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("recording\tscene\tpart\n" + "".join(rows), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Split the recordings into cross-validation folds, by the official lists or at random."""
    example = """--config '{"source": "generated", "number": 5, "validation": 0.25}' --seed 1 """
    example += "--recordings workflow/resources/demo.tsv --output results/demo/folds"
    parser = build_parser("folds", main, example=example)
    add_options(parser, "recordings", config="section `folds` of the config, as JSON")
    parser.add_argument("--address", default="", help="URL or folder of the official lists, for the source official")
    parser.add_argument("--seed", type=int, required=True, help="seed of generated folds; official folds ignore it")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder to write foldN.tsv into; official lists are stored in its subfolder official",
    )
    options = parser.parse_args(argv)
    recordings, config = read_recordings(options.recordings), options.config
    if config["source"] == "official":
        lists = fetch_official(
            config["official"] | {"address": options.address}, options.output / "official", number=config["number"]
        )
        folds = read_official(lists, recordings)
    else:
        arguments = {"number": config["number"], "validation": config["validation"], "seed": options.seed}
        folds = generate_folds(recordings, **arguments)
    for fold, parts in enumerate(folds, start=1):
        write_fold(options.output / f"fold{fold}.tsv", parts, recordings)
        logger.info("fold %d: %s", fold, ", ".join(f"{len(names)} {part}" for part, names in parts.items()))
