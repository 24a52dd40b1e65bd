"""Competence of the annotators of MACS, estimated by MACE, compared with the competence that its authors published.

MACS.yaml and MACS_competence.csv (Zenodo record 5114771) are downloaded into the folder ``macs`` beside the table, and
their hashes are verified. MACE has the settings of config.yaml. This comparison was not run on the published files.

The record does not state what the authors used as the items of MACE. The table has a row for each of two readings:

- `tag`: each clip and tag is a binary item, as in all labels of softsed.
- `tag set`: each clip is an item, and the different sets of tags are its labels.

A difference is the estimated minus the published competence. `annotator` is the one with `largest_difference`.
Annotators in one file only are not compared. The columns `only_in_...` count them, and a warning names them.

    python benchmarks/macs.py results/benchmarks/macs.tsv
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import yaml
from measure import ROOT, build_parser, write
from scipy.stats import spearmanr

from softsed.core.errors import InputError
from softsed.core.metadata import read_asked, read_classes
from softsed.core.opinions import Opinions, read_opinions
from softsed.data import infer_tables
from softsed.data.download import download, file_digest
from softsed.labels.aggregate import competence
from softsed.labels.mace import mace
from softsed.tools.convert import command
from softsed.tools.convert.macs import read_competences

ADDRESS = "https://zenodo.org/records/5114771/files"
ANNOTATIONS, COMPETENCES = "MACS.yaml", "MACS_competence.csv"
DIGESTS = {
    ANNOTATIONS: "md5:23fcb2ebd0b109094034ef9e87972256",
    COMPETENCES: "md5:4dfe9f951f0af9f29cb7952ec030370a",
}
COLUMNS = ["items", "opinions", "annotators", "only_in_annotations", "only_in_competences", "rank_correlation"]
COLUMNS += ["mean_absolute_difference", "largest_difference", "annotator", "estimated", "published"]

logger = logging.getLogger(__name__)


def fetch(address: str, folder: Path, digests: dict[str, str]) -> list[Path]:
    """Download files from a URL, or use them in a folder, and verify their hashes."""
    return [download(f"{address.rstrip('/')}/{name}", folder / name, digest=digest) for name, digest in digests.items()]


def read_annotations(path: Path) -> Opinions:
    """Read ``MACS.yaml`` by way of a table of opinions, as a user of ``softsed convert`` does."""
    with tempfile.TemporaryDirectory() as scratch:
        tables = {name: Path(scratch) / f"{name}.tsv" for name in ("opinions", "recordings", "classes", "scenes")}
        command.main(["macs", "--annotations", str(path), "--opinions", str(tables["opinions"])])
        infer_tables.main([f"--opinions={tables['opinions']}", f"--tables={scratch}"])
        classes = read_classes(tables["classes"])
        recordings, asked = read_asked(tables["recordings"], tables["scenes"], classes)
        return read_opinions(tables["opinions"], classes, asked=asked, recordings=recordings)


def by_tag(opinions: Opinions, settings: dict) -> np.ndarray:
    """Estimate the competence of each annotator with a binary item per clip and tag."""
    return competence(opinions, **settings)


def by_tag_set(opinions: Opinions, settings: dict) -> np.ndarray:
    """Estimate the competence of each annotator with an item per clip, whose labels are the different sets of tags."""
    people = len(opinions.annotators)
    answers, answer = np.unique(opinions.window * people + opinions.annotator, return_inverse=True)
    ticks = np.zeros((len(answers), len(opinions.classes)), dtype=int)
    ticks[answer, opinions.label] = opinions.opinion
    sets, labels = np.unique(ticks, axis=0, return_inverse=True)
    clips, annotators = np.divmod(answers, people)
    sizes = {"n_items": len(opinions.onset), "n_annotators": people, "n_labels": len(sets)}
    return mace(clips, annotators, labels.ravel(), **sizes, **settings).competence


def match(annotators: list[str], published: dict[str, float]) -> tuple[list[str], list[int]]:
    """Return the annotators of both files, and the numbers of those in one file only, who are named in a warning."""
    common = [name for name in annotators if name in published]
    if not common:
        expected = f"the annotators of {ANNOTATIONS}, such as {annotators[0]!r}"
        raise InputError(f"none of {list(published)[:3]} has an annotation", file=COMPETENCES, expected=expected)
    alone = [sorted(set(annotators) - set(common)), sorted(set(published) - set(common))]
    for names, file, other in zip(alone, DIGESTS, reversed(DIGESTS), strict=True):
        if names:
            text = "%s: annotators that are not in %s and not compared: %s. Check their names"
            logger.warning(text, file, other, ", ".join(names))
    return common, list(map(len, alone))


def compare(estimated: np.ndarray, published: np.ndarray) -> tuple[list[float], int]:
    """Compare two competences per annotator.

    Returns
    -------
    metrics : list of float
        Spearman's rank correlation, mean absolute difference, and the difference with the largest absolute value.
    largest : int
        Index of the annotator of this difference.
    """
    difference = estimated - published
    largest = int(np.abs(difference).argmax())
    correlation = float(spearmanr(estimated, published).statistic) if len(difference) > 1 else float("nan")
    return [correlation, float(np.abs(difference).mean()), float(difference[largest])], largest


def write_example(folder: Path) -> None:
    """Write small files of the layout: five annotators, who know the tags of 40 clips with different probabilities."""
    rng, tags, files = np.random.default_rng(0), np.array(["birds_singing", "footsteps", "music"]), []
    known = {number: 0.1 + 0.2 * number for number in range(5)}
    for clip in range(40):
        present = rng.random(len(tags)) < 0.5
        ticks = [np.where(rng.random(3) < share, present, rng.random(3) < 0.5) for share in known.values()]
        annotations = [
            {"annotator_id": who, "sentence": "A sound", "tags": tags[ticked].tolist()}
            for who, ticked in zip(known, ticks, strict=True)
        ]
        files.append({"filename": f"park-{clip}.wav", "annotations": annotations})
    (folder / ANNOTATIONS).write_text(yaml.safe_dump({"files": files}, sort_keys=False), encoding="utf-8")
    rows = "".join(f"{who}\t{share:.1f}\n" for who, share in known.items())
    (folder / COMPETENCES).write_text(f"annotator_id\tcompetence\n{rows}", encoding="utf-8")


def main() -> None:
    """Fetch both files, estimate the competences and write the comparison."""
    parser = build_parser(__doc__)
    parser.add_argument("--address", default=ADDRESS, help="URL or folder of both files (default: %(default)s)")
    options = parser.parse_args()
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = config["labels"]["competence"] | {"seed": config["seed"]}
    with tempfile.TemporaryDirectory() as scratch:
        address, digests = options.address, DIGESTS
        if options.smoke:
            write_example(Path(scratch))
            address, digests = scratch, {name: file_digest(Path(scratch) / name, "md5") for name in DIGESTS}
        annotations, competences = fetch(address, options.output.parent / "macs", digests)
        opinions, table = read_annotations(annotations), read_competences(competences)
    common, alone = match(opinions.annotators, table)
    published = np.array([table[name] for name in common])
    kept = [opinions.annotators.index(name) for name in common]
    rows = []
    for items, estimate in {"tag": by_tag, "tag set": by_tag_set}.items():
        estimated = estimate(opinions, settings)[kept]
        metrics, largest = compare(estimated, published)
        extreme = [common[largest], float(estimated[largest]), float(published[largest])]
        rows.append([items, len(opinions.opinion), len(common), *alone, *metrics, *extreme])
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
