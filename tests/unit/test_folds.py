import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from support.errors import refused
from support.server import serve
from support.shared import shared
from support.tsv import write_rows

from softsed import folds
from softsed.core.errors import InputError
from softsed.core.metadata import Recording, read_fold, read_recordings
from softsed.folds import generate_folds, read_official

ROOT = Path(__file__).parents[2]
MAESTRO = ROOT / "workflow" / "resources" / "maestro_real.tsv"


def table(**scenes: int) -> dict[str, Recording]:
    names = [(f"{scene}_{i:02d}", scene) for scene, count in scenes.items() for i in range(count)]
    return {name: Recording(name, scene, 60.0) for name, scene in names}


def write_table(path: Path, recordings: dict[str, Recording]) -> Path:
    rows = [(r.name, r.scene, r.duration_s) for r in recordings.values()]
    return write_rows(path, rows, ("recording", "scene", "duration_s"))


def assert_cross_validation(result: list[dict[str, list[str]]], recordings: dict[str, Recording]) -> None:
    for parts in result:
        assert sorted(parts["train"] + parts["validation"] + parts["test"]) == sorted(recordings)
    assert sorted(name for parts in result for name in parts["test"]) == sorted(recordings)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("recordings", "number", "validation"),
    [
        (table(cafe=10, city=10, grocery=9, metro=9, residential=11), 5, 0.25),
        (table(cafe=5, city=5), 5, 0.25),
        (table(cafe=7, city=3, metro=23), 3, 0.3),
        (table(cafe=4), 2, 0.1),
        (table(a=6, b=6, c=6, d=6, e=6, f=6), 5, 0.25),
    ],
)
def test_generate_folds_balances_scenes_and_parts(recordings, number, validation, seed):
    result = generate_folds(recordings, number=number, validation=validation, seed=seed)
    assert len(result) == number
    assert_cross_validation(result, recordings)
    counts = Counter(r.scene for r in recordings.values())
    sizes = [len(parts["test"]) for parts in result]
    assert max(sizes) - min(sizes) <= 1
    for parts in result:
        for scene, count in counts.items():
            in_part = {part: sum(recordings[name].scene == scene for name in names) for part, names in parts.items()}
            assert abs(in_part["test"] - count / number) < 1
            assert abs(in_part["validation"] - validation * (count - in_part["test"])) <= 1
            assert min(in_part.values()) >= 1


def test_generate_folds_has_official_proportions():
    recordings = read_recordings(MAESTRO)
    for parts in generate_folds(recordings, number=5, validation=0.31, seed=0):
        sizes = {part: len(names) for part, names in parts.items()}
        assert sizes["validation"] == 12
        assert sizes["test"] in (9, 10)
        assert sizes["train"] in (27, 28)


def test_generate_folds_meets_validation_share():
    for parts in generate_folds(table(a=6, b=7, c=8, d=9, e=10), number=5, validation=0.25, seed=0):
        assert len(parts["validation"]) == round(0.25 * (40 - len(parts["test"])))


def test_generate_folds_validates_equally_often():
    result = generate_folds(table(cafe=20), number=5, validation=0.25, seed=3)
    uses = Counter(name for parts in result for name in parts["validation"])
    assert set(uses) == set(table(cafe=20))
    assert max(uses.values()) <= 2


def test_generate_folds_ignores_order_of_table():
    recordings = table(cafe=10, city=12)
    backwards = dict(reversed(recordings.items()))
    arguments = {"number": 5, "validation": 0.25}
    first = generate_folds(recordings, seed=1, **arguments)
    assert generate_folds(backwards, seed=1, **arguments) == first
    assert generate_folds(recordings, seed=2, **arguments) != first


@pytest.mark.parametrize(
    ("count", "number", "validation"),
    [(4, 5, 0.25), (2, 2, 0.25), (5, 5, 0.9), (1, 1, 0.5)],
)
def test_generate_folds_refuses_small_scenes(count, number, validation):
    nouns = ["recording" if count == 1 else "recordings", "fold" if number == 1 else "folds"]
    problem = ["scene 'metro'", f" {count} {nouns[0]}, too few for {number} {nouns[1]} with"]
    with refused(key="folds.number", problem=problem):
        generate_folds(table(metro=count), number=number, validation=validation, seed=0)


def write_lists(folder: Path, lists: dict[str, list[str]]) -> dict:
    """Write official lists and return their config section."""
    folder.mkdir(exist_ok=True)
    hashes = {}
    for name, rows in lists.items():
        content = "\n".join(["filename", *rows, ""]).encode()
        (folder / f"{name}.csv").write_bytes(content)
        hashes[f"{name}.csv"] = hashlib.sha256(content).hexdigest()
    return {"address": str(folder), "sha256": hashes}


TWO_FOLDS = {
    "fold1_train": ["cafe/cafe_02", "cafe/cafe_03"],
    "fold1_val": ["cafe/cafe_04"],
    "fold1_test": ["cafe/cafe_00", "cafe/cafe_01"],
    "fold2_train": ["cafe/cafe_00"],
    "fold2_val": ["cafe/cafe_01"],
    "fold2_test": ["cafe/cafe_04", "cafe/cafe_03", "cafe/cafe_02"],
}


def run(tmp_path: Path, recordings: dict[str, Recording], official: dict, *, source="official", number=2, seed=0):
    config = {"source": source, "number": number, "validation": 0.25, "official": {"sha256": official.get("sha256")}}
    arguments = ["--recordings", str(write_table(tmp_path / "table.tsv", recordings)), "--config", json.dumps(config)]
    arguments += ["--address", official.get("address", "")]
    folds.main([*arguments, "--seed", str(seed), "--output", str(tmp_path / "folds")])
    return tmp_path / "folds"


def test_official_lists_may_name_files(tmp_path):
    lists = {name: [f"{row}.wav" for row in rows] for name, rows in TWO_FOLDS.items()}
    output = run(tmp_path, table(cafe=5), write_lists(tmp_path / "lists", lists))
    assert read_fold(output / "fold1.tsv")["validation"] == ["cafe_04"]


def test_official_lists_become_folds(tmp_path):
    output = run(tmp_path, table(cafe=5), write_lists(tmp_path / "lists", TWO_FOLDS))
    assert read_fold(output / "fold2.tsv") == {
        "train": ["cafe_00"],
        "validation": ["cafe_01"],
        "test": ["cafe_02", "cafe_03", "cafe_04"],
    }
    assert (output / "fold1.tsv").read_text().splitlines()[:2] == ["recording\tscene\tpart", "cafe_02\tcafe\ttrain"]


def test_official_lists_are_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    official = write_lists(tmp_path / "lists", TWO_FOLDS)
    with serve(tmp_path / "lists") as server:
        output = run(tmp_path, table(cafe=5), official | {"address": server.address})
        assert len(server.requests) == 6
        run(tmp_path, table(cafe=5), official | {"address": server.address})
        assert len(server.requests) == 6
    assert read_fold(output / "fold1.tsv")["test"] == ["cafe_00", "cafe_01"]


def test_fetch_official_refuses_changed_list(tmp_path):
    official = write_lists(tmp_path / "lists", TWO_FOLDS)
    (tmp_path / "lists" / "fold2_val.csv").write_text("filename\ncafe/cafe_00\n")
    expected = f"sha256:{official['sha256']['fold2_val.csv']}"
    with refused(file="fold2_val.csv", problem="sha256:", expected=expected):
        run(tmp_path, table(cafe=5), official)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"fold1_train": ["cafe/cafe_02"]}, {"problem": ["['cafe_03']", "fold1_train.csv"]}),
        (
            {"fold1_val": ["cafe/cafe_03", "cafe/cafe_04"]},
            {"file": "fold1_val.csv", "problem": ["'cafe_03'", "fold1_train.csv"]},
        ),
        (
            {"fold2_test": ["cafe/cafe_0" + i for i in "1234"], "fold2_val": []},
            {"file": "fold2_test.csv", "problem": ["'cafe_01'", "fold1_test.csv"]},
        ),
        (
            {"fold2_test": ["cafe/cafe_02", "cafe/cafe_03"], "fold2_val": ["cafe/cafe_01", "cafe/cafe_04"]},
            {"problem": ["['cafe_04']", "2 folds"], "expected": "each recording in one test part"},
        ),
        ({"fold1_val": ["cafe/cafe_05"]}, {"file": "fold1_val.csv", "line": 2, "problem": "cafe_05"}),
        ({"fold1_val": ["city/cafe_04"]}, {"file": "fold1_val.csv", "line": 2, "problem": "city/cafe_04"}),
        ({"fold1_val": ["cafe/cafe_04"] * 2}, {"file": "fold1_val.csv", "line": 3, "problem": "'cafe_04'"}),
    ],
)
def test_read_official_refuses_wrong_lists(tmp_path, changes, parts):
    official = write_lists(tmp_path / "lists", TWO_FOLDS | changes)
    with refused(**parts):
        run(tmp_path, table(cafe=5), official)


def test_fetch_official_refuses_too_many_folds(tmp_path):
    with refused(key="folds.official.sha256", problem="fold3_train.csv"):
        run(tmp_path, table(cafe=5), write_lists(tmp_path / "lists", TWO_FOLDS), number=3)


def test_read_official_refuses_too_few_folds(tmp_path):
    with refused(
        problem=["['cafe_02', 'cafe_03', 'cafe_04']", "a test part of 1 fold"],
        expected="each recording in one test part",
    ):
        run(tmp_path, table(cafe=5), write_lists(tmp_path / "lists", TWO_FOLDS), number=1)


def test_the_published_lists_cover_maestro_real():
    official = shared("maestro_real/development_folds")
    recordings = read_recordings(MAESTRO)
    names = {"train": "train", "validation": "val", "test": "test"}
    lists = [{part: official / f"fold{k}_{name}.csv" for part, name in names.items()} for k in range(1, 6)]
    result = read_official(lists, recordings)
    assert_cross_validation(result, recordings)
    assert [len(result[0][part]) for part in ("train", "validation", "test")] == [26, 12, 11]


def test_generated_folds_are_written_and_read_back(tmp_path):
    recordings = table(cafe=5, city=7)
    output = run(tmp_path, recordings, {}, source="generated", seed=4)
    read = [read_fold(output / f"fold{k}.tsv") for k in (1, 2)]
    assert read == generate_folds(recordings, number=2, validation=0.25, seed=4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["a\tcafe\ttrain", "b\tcafe\tvalidate"],
            "line 3: part is 'validate'. Expected one of train, validation, test",
        ),
        (["a\tcafe\ttrain", "a\tcafe\ttest"], "line 3: recording 'a' is listed twice"),
        (["a\tcafe\ttrain", "b\tcafe\ttest"], "no recording in validation"),
    ],
)
def test_a_fold_file_that_is_wrong(tmp_path, rows, message):
    path = tmp_path / "fold1.tsv"
    path.write_text("\n".join(["recording\tscene\tpart", *rows, ""]))
    with pytest.raises(InputError, match=message):
        read_fold(path)
