"""Every parser of text, with a valid file and a check of the result of each parser."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

FILE = "fuzzed_7f3.txt"  # a word that messages contain only in the name of the file
NAMES = ("r1", "r2")
CLASSES = ["car", "people talking"]
EXAMPLES = {
    "classes": "class\tmeaning\ncar\tpassing\npeople talking\tnear\n",
    "scenes": "scene\tclass\nstreet\tcar\nstreet\tpeople talking\n",
    "recordings": "recording\tscene\tduration_s\nr1\tstreet\t2\nr2\tstreet\t2.5\n",
    "fold": "recording\tscene\tpart\nr1\tstreet\ttrain\nr2\tstreet\tvalidation\nr3\tstreet\ttest\n",
    "official": "filename\nstreet/r1\n",
    "soft": "recording\tonset\toffset\tlabel\tvalue\n"
    + "".join(f"{r}\t{t}\t{t + 1}\t{c}\t0.{t}5\n" for r in NAMES for t in range(2) for c in CLASSES),
    "hard": "recording\tonset\toffset\tlabel\nr1\t0\t1.5\tcar\nr1\t1\t2\tpeople talking\nr2\t\t\t\n",
    "published": "0\t1\tcar\t0.25\n0\t1\tpeople talking\t1.000000031\n1\t2\tcar\t1\n",
    "events": "0\t1.5\tcar\n0.25\t2\tpeople talking\n",
    "truth": "onset\toffset\tlabel\tsnr_db\n0\t1.5\tcar\t3\n",
    "scores": "recording\tonset\toffset\tcar\tpeople talking\n"
    "r1\t0\t1\t0.5\t-0.25\nr1\t1\t2\t1e-3\t1\nr2\t0\t1\t0\t0\n",
    "opinions": "recording\tonset\toffset\tannotator\tclass\topinion\n"
    + "".join(f"{r}\t0\t2\t{who}\t{c}\t{who}\n" for r in NAMES for who in (0, 1) for c in CLASSES),
    "strong": "recording\tscene\tannotator\tonset\toffset\tlabel\n"
    "r1\tstreet\tann\t0\t1.5\tcar\nr2\tstreet\tbob\t0\t2\tcar\n",
    "audacity": "0.25\t1.5\tcar\n\\\t100.0\t2000.0\n1\t2\tpeople talking\n",
    "raven": "Selection\tView\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
    "1\tWaveform 1\t0.25\t1.5\t0\t2000\tcar\n1\tSpectrogram 1\t0.25\t1.5\t0\t2000\tcar\n",
    "textgrid": 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 2.5\ntiers? <exists>\n'
    'size = 1\nitem []:\n item [1]:\n class = "IntervalTier"\n name = "events"\n xmin = 0\n xmax = 2.5\n'
    " intervals: size = 2\n"
    ' intervals [1]:\n xmin = 0\n xmax = 1.5\n text = "car"\n intervals [2]:\n xmin = 1.5\n xmax = 2.5\n text = ""\n',
    "label_studio": '[{"id": 1, "data": {"audio": "r1.wav"}, "annotations": [{"completed_by": 1, "result": [\n'
    '{"from_name": "label", "type": "labels", "original_length": 2.5,\n'
    '"value": {"start": 0.25, "end": 1.5, "labels": ["car"]}}]},\n{"completed_by": 2, "result": []}]}]\n',
    "sonyc": "audio_filename,annotator_id,1_engine_presence,2_saw_presence\n"
    "01.wav,3,1,0\n01.wav,-2,0,-1\n02.wav,4,0,0\n",
    "macs": "files:\n- filename: r1.wav\n  annotations:\n  - annotator_id: 1\n    sentence: A car passes\n    tags:\n"
    "    - car\n    - people talking\n  - annotator_id: 2\n    sentence: Silence\n    tags: []\n",
    "competences": "annotator_id\tcompetence\n1\t0.75\n2\t0.5\n",
}
EXAMPLES |= {
    "survey": EXAMPLES["opinions"],
    "own_opinions": EXAMPLES["opinions"],
    "own_soft": EXAMPLES["soft"],
    "own_hard": EXAMPLES["hard"],
}


class Parser(NamedTuple):
    """A valid file, and a function that reads a file and checks the result."""

    example: str
    read: Callable[[Path], object]


def parsers(folder: Path) -> dict[str, Parser]:  # noqa: PLR0915  # one small function a parser
    """Collect the parsers; `folder` gets the other files that they need, such as two recordings."""
    import numpy as np  # noqa: PLC0415  # here, so that the fuzzer can instrument the package before it is imported
    import soundfile  # noqa: PLC0415

    from softsed import folds  # noqa: PLC0415
    from softsed.core import event_text, labels, metadata, options, scores  # noqa: PLC0415
    from softsed.core.errors import Problems  # noqa: PLC0415
    from softsed.core.opinions import read_opinions  # noqa: PLC0415
    from softsed.data import infer_tables  # noqa: PLC0415
    from softsed.labels import adopt  # noqa: PLC0415
    from softsed.planning import validate  # noqa: PLC0415
    from softsed.tools.convert import audacity, label_studio, macs, raven, sonyc, tables, textgrid, write  # noqa: PLC0415
    from softsed.tools.convert.crowd import Crowd  # noqa: PLC0415

    asked, recordings = {"street": CLASSES}, {name: metadata.Recording(name, "street", 2.5) for name in NAMES}
    (folder / "audio").mkdir()
    for name in NAMES:
        soundfile.write(folder / "audio" / f"{name}.wav", np.full(2500, 0.1), 1000)
    for name in ("r2", "r3"):
        (folder / f"{name}.csv").write_text(f"filename\nstreet/{name}\n")
    three = recordings | {"r3": metadata.Recording("r3", "street", 2.5)}

    def levels(matrices: dict) -> dict:
        for matrix in matrices.values():
            assert matrix.dtype == float
            assert matrix.shape[1] == len(CLASSES)
            assert (np.isnan(matrix) | ((matrix >= 0) & (matrix <= 1))).all()
        return matrices

    def events(listed: list) -> list:
        for event in listed:
            assert 0 <= event.onset < event.offset < float("inf")
            assert event.label in CLASSES
        return listed

    def hard(path: Path) -> dict:
        return {name: events(listed) for name, listed in labels.read_hard(path, CLASSES).items()}

    def published(path: Path) -> dict:
        return levels({"r": event_text.read_published(path, CLASSES, asked=CLASSES, seconds=2)})

    def true(path: Path) -> list:
        path = path.rename(path.with_suffix(".tsv"))
        return events(event_text.read_true_events(path, CLASSES))

    def scored(path: Path) -> dict:
        found = scores.read_scores(path, CLASSES)
        assert all(np.isfinite(matrix).all() and matrix.shape[1] == len(CLASSES) for matrix in found.values())
        return found

    def opinions(path: Path) -> object:
        found = read_opinions(path, CLASSES, asked=asked, recordings=recordings)
        assert set(np.unique(found.opinion)) <= {0, 1}
        assert ((found.onset >= 0) & (found.offset <= 2)).all()
        return found

    def surveyed(path: Path) -> tuple:
        assert infer_tables.longest_window(path) >= 0
        assert infer_tables.recording_names(path)
        return infer_tables.survey(path)

    def converted(reader: Callable, *arguments: object, **options: object) -> Callable[[Path], object]:
        def read(path: Path) -> dict:
            found = Crowd(reader(path, *arguments, **options))
            if sum(found.lengths.values()) < 100:  # longer recordings only take longer
                lines = "".join(write.opinions(found, window=2, hop=1)).removesuffix("\n").split("\n")
                assert {line.count("\t") for line in lines} in ({5}, {6})
            return {str(key): own for key, own in found.events.items()}

        return read

    def tags(path: Path) -> str:
        text = "".join(sonyc.read_sonyc(path, "coarse"))
        assert all(line.count("\t") == 5 for line in text.removesuffix("\n").split("\n"))
        return text

    def official(path: Path) -> list:
        one, two, other = path, folder / "r2.csv", folder / "r3.csv"
        orders = ((two, other, one), (other, one, two), (one, two, other))
        lists = [dict(zip(metadata.PARTS, order, strict=True)) for order in orders]
        return folds.read_official(lists, three)

    def own(kind: str) -> Callable[[Path], object]:
        def read(path: Path) -> object:
            tables = dict.fromkeys(options.TABLES)
            read_off = validate.check(folder / "audio", path, kind, tables, folds=0, validation=0.5)
            if kind == "opinions":
                return read_off
            found, names, of_scene = read_off
            matrices = adopt.adopt(event_text.read_label_rows(path, kind, Problems()), found, of_scene, names)
            assert all(len(matrix) == int(found[name].duration_s) for name, matrix in matrices.items())
            return matrices

        return read

    functions = {
        "classes": metadata.read_classes,
        "scenes": lambda path: metadata.read_scenes(path, CLASSES),
        "recordings": metadata.read_recordings,
        "fold": metadata.read_fold,
        "official": official,
        "soft": lambda path: levels(labels.read_soft(path, CLASSES)),
        "hard": hard,
        "published": published,
        "events": lambda path: events(event_text.read_events(path, CLASSES)),
        "truth": true,
        "scores": scored,
        "opinions": opinions,
        "survey": surveyed,
        "own_opinions": own("opinions"),
        "own_soft": own("soft"),
        "own_hard": own("hard"),
        "strong": converted(tables.read_events, {}, None),
        "audacity": converted(audacity.read_labels, None),
        "raven": converted(raven.read_selections, {}, None),
        "textgrid": converted(textgrid.read_textgrids, tiers=(), meaning="ignored", annotator=None),
        "label_studio": converted(label_studio.read_annotations, {}, None),
        "sonyc": tags,
        "macs": converted(macs.read_macs, None),
        "competences": macs.read_competences,
    }
    return {name: Parser(EXAMPLES[name], function) for name, function in functions.items()}
