"""Labels of a corpus as large as MAESTRO Real: CPU time and memory of every method, on one core.

The table of opinions has 16,500 windows x 6 classes x 5 opinions by 150 annotators, drawn from the simulated crowd.
Each step is a process. The reference runs in turn with it: a process that reads the same table with Python's csv
module. Machines differ, so only the ratio of both CPU times can be compared. On one core it takes about ten minutes.

    python benchmarks/labels.py results/benchmarks/labels.tsv
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from measure import ROOT, build_parser, in_turn, spread, use_one_core, write

from softsed.core.metadata import Recording, read_classes, read_scenes
from softsed.data.simulate import annotate, draw_pool
from softsed.labels.trials import draw_events

COLUMNS = ["step", "cpu_s", "cpu_s_least", "cpu_s_most", "peak_mb"]
COLUMNS += ["over_csv_reading", "over_least", "over_most", "runs"]
EVENT_S = 4


@dataclass(frozen=True)
class Size:
    """Size of a corpus, and measurements of each step."""

    recordings: int = 75
    seconds: int = 229
    annotators: int = 150
    times: int = 5

    @property
    def opinions(self) -> int:
        """Number of opinions: windows of 10 s in steps of 1 s, six classes, five annotators."""
        return self.recordings * (self.seconds - 9) * 6 * 5


SMOKE = Size(recordings=5, seconds=20, annotators=8, times=1)
REFERENCE = "import csv, sys; sum(1 for row in csv.DictReader(open(sys.argv[1], newline=''), delimiter='\t'))"
# Competences alone, without the text files of the soft labels.
MACE = """
import sys
from pathlib import Path
from softsed.core.metadata import read_asked, read_classes
from softsed.labels.aggregate import competence
from softsed.core.opinions import read_opinions
opinions, recordings, classes, scenes, method, count = sys.argv[1:]
names = read_classes(Path(classes))
table, asked = read_asked(Path(recordings), Path(scenes), names)
found = read_opinions(Path(opinions), names, asked=asked, recordings=table)
assert len(found.opinion) == int(count)
competence(found, method=method, restarts=10, iterations=50, seed=0)
"""


def write_corpus(folder: Path, size: Size) -> list[str]:
    """Write the tables of opinions and recordings, and return the paths of all tables."""
    resources = ROOT / "workflow" / "resources"
    classes = read_classes(resources / "classes.tsv")
    scenes = read_scenes(resources / "scenes.tsv", classes)
    demo = yaml.safe_load((ROOT / "workflow" / "demo.yaml").read_text(encoding="utf-8"))
    crowd = demo["data"]["demo"]["crowd"] | {"annotators": size.annotators}
    pool, rng = draw_pool(crowd, seed=0), np.random.default_rng(0)
    names = [(f"r{number:02d}", list(scenes)[number % len(scenes)]) for number in range(size.recordings)]
    with (folder / "opinions.tsv").open("w", encoding="utf-8") as file:
        file.write("recording\tonset\toffset\tannotator\tclass\topinion\n")
        for name, scene in names:
            asked = scenes[scene]
            drawn = [draw_events(rng, length_s=EVENT_S, duration_s=size.seconds) for _ in asked]
            labels = np.repeat(np.arange(len(asked)), [len(part) for part in drawn])
            recording = Recording(name, scene, float(size.seconds))
            starts, who, ticks = annotate(recording, (np.concatenate(drawn), labels), asked, pool, crowd, seed=0)
            for window, sheet, column in np.ndindex(ticks.shape):
                person, start = pool.names[who[window, sheet]], starts[window]
                file.write(
                    f"{name}\t{start}\t{start + 10}\t{person}\t{asked[column]}\t{ticks[window, sheet, column]}\n"
                )
    lines = "".join(f"{name}\t{scene}\t{size.seconds}\n" for name, scene in names)
    (folder / "recordings.tsv").write_text("recording\tscene\tduration_s\n" + lines, encoding="utf-8")
    return [str(path) for path in (folder / "opinions.tsv", folder / "recordings.tsv", *(
        resources / name for name in ("classes.tsv", "scenes.tsv")))]  # fmt: skip


def list_steps(folder: Path, files: list[str], count: int) -> dict[str, list[str]]:
    """List the arguments of Python for each step, by name."""
    names = ("opinions", "recordings", "classes", "scenes")
    aggregate = ["-m", "softsed", "labels.aggregate", *(f"--{n}={path}" for n, path in zip(names, files, strict=True))]
    aggregate += ["--seed=0", f"--competence={folder}/competence.tsv", f"--soft={folder}/soft"]
    mace = {"competence": {"method": "vb", "restarts": 10, "iterations": 50}}
    steps = {f"read, MACE ({method})": ["-c", MACE, *files, method, str(count)] for method in ("vb", "em")}
    event, people = ({"target": target, "class_weight": 200} for target in ("event", "people"))
    for method, config in (("eq1", mace), ("majority", mace), ("joint", event), ("joint", people)):
        name = f"{method}, {config['target']}" if method == "joint" else method
        steps[f"read, {name}, write"] = [*aggregate, "--config", json.dumps({"method": method} | config)]
    return steps


def main() -> None:
    """Measure and write the table."""
    options = build_parser(__doc__).parse_args()
    size = SMOKE if options.smoke else Size()
    use_one_core()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        files = write_corpus(Path(scratch), size)
        reference = [sys.executable, "-c", REFERENCE, files[0]]
        for step, arguments in list_steps(Path(scratch), files, size.opinions).items():
            pairs = in_turn([sys.executable, *arguments], reference, size.times)
            seconds = spread([step.cpu for step, _ in pairs])
            ratios = spread([step.cpu / other.cpu for step, other in pairs])
            rows.append([step, *seconds, max(step.peak_mb for step, _ in pairs), *ratios, size.times])
    write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
