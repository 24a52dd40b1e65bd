"""Labels of a corpus as large as MAESTRO Real: time and memory of every method, on one core.

The table of opinions has 16,500 windows x 6 classes x 5 opinions by 150 annotators, drawn from the simulated crowd.
Each step runs in a process of its own, in turn with a reference, the same number of times: reading the same table with
csv of the standard library. Machines differ and are noisy, so that what counts is the ratio of the two.

    python benchmarks/labels.py results/benchmarks/labels.tsv
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from measure import ROOT, run, use_one_core

from softsed.core.metadata import Recording, read_classes, read_scenes
from softsed.data.simulate import annotate, draw_pool
from softsed.labels.trials import draw_events

COLUMNS = ["step", "seconds", "seconds_least", "seconds_most", "peak_mb"]
COLUMNS += ["over_csv_reading", "over_least", "over_most", "runs"]
RECORDINGS, SECONDS, ANNOTATORS, EVENT_S, TIMES = 75, 229, 150, 4, 5
REFERENCE = "import csv, sys; sum(1 for row in csv.DictReader(open(sys.argv[1], newline=''), delimiter='\t'))"
# Competences alone, without the text files of the soft labels.
MACE = """
import sys
from pathlib import Path
from softsed.core.metadata import read_asked, read_classes
from softsed.labels.aggregate import competence
from softsed.core.opinions import read_opinions
opinions, recordings, classes, scenes, method = sys.argv[1:]
names = read_classes(Path(classes))
table, asked = read_asked(Path(recordings), Path(scenes), names)
found = read_opinions(Path(opinions), names, asked=asked, recordings=table)
assert len(found.opinion) == 16500 * 6 * 5 and len(found.annotators) == 150
competence(found, method=method, restarts=10, iterations=50, seed=0)
"""


def write_corpus(folder: Path) -> list[str]:
    """Write the tables of opinions and recordings; return the arguments that every step takes."""
    resources = ROOT / "workflow" / "resources"
    classes = read_classes(resources / "classes.tsv")
    scenes = read_scenes(resources / "scenes.tsv", classes)
    demo = yaml.safe_load((ROOT / "workflow" / "demo.yaml").read_text(encoding="utf-8"))
    crowd = demo["data"]["demo"]["crowd"] | {"annotators": ANNOTATORS}
    pool, rng = draw_pool(crowd, seed=0), np.random.default_rng(0)
    names = [(f"r{number:02d}", list(scenes)[number % len(scenes)]) for number in range(RECORDINGS)]
    with (folder / "opinions.tsv").open("w", encoding="utf-8") as file:
        file.write("recording\tonset\toffset\tannotator\tclass\topinion\n")
        for name, scene in names:
            asked = scenes[scene]
            drawn = [draw_events(rng, length_s=EVENT_S, duration_s=SECONDS) for _ in asked]
            labels = np.repeat(np.arange(len(asked)), [len(part) for part in drawn])
            recording = Recording(name, scene, float(SECONDS))
            starts, who, ticks = annotate(recording, (np.concatenate(drawn), labels), asked, pool, crowd, seed=0)
            for window, sheet, column in np.ndindex(ticks.shape):
                person, start = pool.names[who[window, sheet]], starts[window]
                file.write(
                    f"{name}\t{start}\t{start + 10}\t{person}\t{asked[column]}\t{ticks[window, sheet, column]}\n"
                )
    lines = "".join(f"{name}\t{scene}\t{SECONDS}\n" for name, scene in names)
    (folder / "recordings.tsv").write_text("recording\tscene\tduration_s\n" + lines, encoding="utf-8")
    return [str(path) for path in (folder / "opinions.tsv", folder / "recordings.tsv", *(
        resources / name for name in ("classes.tsv", "scenes.tsv")))]  # fmt: skip


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    use_one_core()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_corpus(folder)
        shared = [
            f"--{name}={path}"
            for name, path in zip(("opinions", "recordings", "classes", "scenes"), files, strict=True)
        ]
        mace = {"competence": {"method": "vb", "restarts": 10, "iterations": 50}}
        steps = {f"read, MACE ({method})": ["-c", MACE, *files, method] for method in ("vb", "em")}
        for method, config in (("eq1", mace), ("majority", mace), ("joint", {})):
            told = json.dumps({"method": method} | config)
            written = [f"--competence={folder}/competence.tsv", f"--soft={folder}/soft"]
            steps[f"read, {method}, write"] = [
                "-m",
                "softsed",
                "crowd",
                *shared,
                "--config",
                told,
                "--seed",
                "0",
                *written,
            ]
        rows = [COLUMNS]
        for step, command in steps.items():
            found, ratios = [], []
            for _ in range(TIMES):
                reference = run(sys.executable, "-c", REFERENCE, files[0])
                found.append(run(sys.executable, *command))
                ratios.append(found[-1].seconds / reference.seconds)
            seconds, memory = ([getattr(one, name) for one in found] for name in ("seconds", "peak_mb"))
            spread = [statistics.median(seconds), min(seconds), max(seconds), max(memory)]
            spread += [statistics.median(ratios), min(ratios), max(ratios)]
            rows.append([step, *(f"{value:.3g}" for value in spread), str(TIMES)])
    output.parent.mkdir(parents=True, exist_ok=True)
    text = "".join("\t".join(row) + "\n" for row in rows)
    output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
