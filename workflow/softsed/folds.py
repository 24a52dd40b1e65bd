"""Cross-validation folds: which recordings train, validate and test in each fold.

Conventions
-----------
- Folds count from 1. In each fold every recording has one part: train, validation or test; over all folds every
  recording is tested exactly once.
- ``fold{fold}.tsv`` has the columns recording, scene, part.
- The official split of MAESTRO Real's 49 development recordings (DCASE 2023 Task 4B) has five folds of about
  26 / 12 / 11 recordings, in files ``fold{fold}_{train,val,test}.csv`` with the column filename, ``scene/recording``.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.metadata import PARTS, Recording, read_recordings
from softsed.core.tsv import read_text
from softsed.data.download import download

# Part -> its name in the official files.
OFFICIAL_NAMES = {"train": "train", "validation": "val", "test": "test"}

logger = logging.getLogger(__name__)


def generate_folds(
    recordings: dict[str, Recording], *, number: int, validation: float, seed: int
) -> list[dict[str, list[str]]]:
    """Deal the recordings of each scene over the folds, in an order drawn with the seed.

    Test parts differ by at most one recording, within each scene and in total. Validation parts take about the same
    share of each scene, one recording at least; rounding errors are carried on to the next scene, so that the total
    comes out right. Validation recordings of a fold are those tested in the following folds, so that each validates
    about as often.

    Parameters
    ----------
    recordings : dict of Recording
        In any order: the same recordings give the same folds.
    number : int
        Folds, 2 or more.
    validation : float
        Share of the recordings outside the test part that validate, in (0, 1); about 0.31 in the official split.
    seed : int

    Returns
    -------
    list of dict
        For each fold part -> recordings, sorted by name.

    Raises
    ------
    InputError
        When a scene cannot have a recording in every part of every fold.
    """
    rng = np.random.default_rng(seed)
    scenes: dict[str, list[str]] = {}
    for name in sorted(recordings):
        scenes.setdefault(recordings[name].scene, []).append(name)
    folds = [{part: [] for part in PARTS} for _ in range(number)]
    dealt = 0
    for scene in sorted(scenes):
        names = scenes[scene]
        order = rng.permutation(len(names))
        for fold, parts in enumerate(folds):
            # How many folds later each recording is tested, 0 in its own; dealing goes on where the last scene ended.
            later = {names[index]: (dealt + place - fold) % number for place, index in enumerate(order)}
            rest = sorted((name for name in later if later[name]), key=later.__getitem__)
            outside = len(parts["train"]) + len(parts["validation"]) + len(rest)
            share = max(1, round(validation * outside) - len(parts["validation"]))
            if len(names) < number or share >= len(rest):
                raise InputError(
                    f"scene {scene!r} has {len(names)} recordings, too few for {number} folds that each test, validate "
                    f"({share}) and train on some of them; lower `number` or `validation` of the folds"
                )
            parts["test"] += [name for name in later if not later[name]]
            parts["validation"] += rest[:share]
            parts["train"] += rest[share:]
        dealt += len(names)
    return [{part: sorted(names) for part, names in parts.items()} for parts in folds]


def fetch_official(config: dict, lists: Path, *, number: int) -> list[dict[str, Path]]:
    """Bring the official lists in.

    Parameters
    ----------
    config : dict
        ``address`` (a list is at ``ADDRESS/FILE``, a URL or a folder) and ``sha256``: file -> hash.
    lists : Path
        Folder that keeps downloaded lists.
    number : int
        Folds.

    Returns
    -------
    list of dict
        For each fold part -> verified file.

    Raises
    ------
    InputError
        When a list has no hash in the config; see also :func:`softsed.data.download.download`.
    """
    folds = []
    for fold in range(1, number + 1):
        paths = {}
        for part, official in OFFICIAL_NAMES.items():
            name = f"fold{fold}_{official}.csv"
            if name not in config["sha256"]:
                raise InputError(f"{name}: no sha256 in the config of the folds; it lists {sorted(config['sha256'])}")
            url = f"{config['address'].rstrip('/')}/{name}"
            paths[part] = download(url, lists / name, digest=f"sha256:{config['sha256'][name]}")
        folds.append(paths)
    return folds


def read_official(folds: list[dict[str, Path]], recordings: dict[str, Recording]) -> list[dict[str, list[str]]]:
    """Read the official lists and check them against the table of recordings.

    Returns
    -------
    list of dict
        For each fold part -> recordings, sorted by name.

    Raises
    ------
    InputError
        When a row is not ``scene/recording`` of the table, a recording is in two parts of a fold, is missing from a
        fold, or is not tested exactly once.
    """
    result, tested = [], {}
    for paths in folds:
        listed: dict[str, Path] = {}
        parts = {}
        for part, path in paths.items():
            parts[part] = sorted(_read_list(path, recordings))
            for name in parts[part]:
                if name in listed:
                    raise InputError(f"{path}: recording {name!r} is also in {listed[name]}; parts must be disjoint")
                listed[name] = path
        if missing := sorted(set(recordings) - set(listed)):
            files = ", ".join(str(path) for path in paths.values())
            raise InputError(f"recordings {missing} of the table are in none of {files}")
        for name in parts["test"]:
            if name in tested:
                raise InputError(f"{paths['test']}: recording {name!r} is already tested in {tested[name]}")
            tested[name] = paths["test"]
        result.append(parts)
    if missing := sorted(set(recordings) - set(tested)):
        raise InputError(f"recordings {missing} are tested in none of the {len(folds)} folds; expected exactly once")
    return result


def _read_list(path: Path, recordings: dict[str, Recording]) -> set[str]:
    names: set[str] = set()
    rows = read_text(path)
    if rows[:1] != ["filename"]:
        raise InputError(f"{path}, line 1: expected the one column 'filename', got {rows[:1]}")
    for line, row in enumerate(rows[1:], start=2):
        scene, _, name = row.partition("/")
        if name not in recordings or recordings[name].scene != scene:
            raise InputError(f"{path}, line {line}: {row!r} is not a scene/recording of the table of recordings")
        if name in names:
            raise InputError(f"{path}, line {line}: recording {name!r} is listed twice")
        names.add(name)
    return names


def write_fold(path: Path, parts: dict[str, list[str]], recordings: dict[str, Recording]) -> None:
    """Write one fold: recording, scene, part."""
    rows = [f"{name}\t{recordings[name].scene}\t{part}\n" for part in PARTS for name in parts[part]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("recording\tscene\tpart\n" + "".join(rows), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Split the recordings into folds, by the official lists or with a seed."""
    parser = argparse.ArgumentParser(prog="softsed folds", description=main.__doc__)
    parser.add_argument("--recordings", type=Path, required=True, help="table of recordings")
    parser.add_argument("--config", type=json.loads, required=True, help="section `folds` as JSON, without the address")
    parser.add_argument("--address", default="", help="URL or folder of the official lists")
    parser.add_argument("--seed", type=int, required=True, help="seed of generated folds; the official are as they are")
    parser.add_argument("--output", type=Path, required=True, help="folder of foldN.tsv, written; lists in official/")
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
