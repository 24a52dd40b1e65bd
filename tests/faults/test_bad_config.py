"""Mistakes in the config: all are named with their key, in a few lines, before anything is planned."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config
from support.project import ROOT, copy_project, snakemake

from softsed.core.errors import InputError
from softsed.labels import joint
from softsed.planning.config import LONGEST_JOINT_S, check_config, check_files, check_tables

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def merged(*changes):
    """The config of the demo with changes, merged as Snakemake does."""
    config = {}
    for text in ((ROOT / "config.yaml").read_text(), (ROOT / "workflow/demo.yaml").read_text(), *changes):
        update_config(config, yaml.safe_load(text))
    return config


def tables_of(config):
    return {name: ROOT / config[name] for name in ("recordings", "classes", "scenes")}


@pytest.mark.parametrize("more", [[], ["workflow/demo.yaml"], ["workflow/small.yaml"]])
def test_the_configs_of_this_project_are_good(more):
    config = {}
    for name in ("config.yaml", *more):
        update_config(config, yaml.safe_load((ROOT / name).read_text()))
    check_config(config, SCHEMA)
    check_tables(config, tables_of(config))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # a key that there is not
        ("trian: {epochs: 3}", r"  trian: there is no such key; did you mean 'train'\?"),
        ("train: {epoch: 3}", r"  train\.epoch: there is no such key; did you mean 'epochs'\?"),
        ("predict: {xyz: 3}", r"  predict\.xyz: there is no such key; expected one of \['pooling'\]"),
        ("trials: {repetition: 3}", r"  trials\.repetition: .*did you mean 'repetitions'"),
        (
            "folds: {official: {sha256: {list1.csv: abc}}}",
            r"  folds\.official\.sha256\.list1\.csv: there is no such key",
        ),
        ("systems: {1: null}", r"  systems\.1: the key is taken for int; write it in quotation marks"),
        # a type
        ("train: {model: {dropout: 1.5}}", "1.5 is greater than or equal to the maximum of 1"),
        ("systems: {my system: {labels: soft, loss: mse, output: linear}}", "my system"),
        ("labels: {method: vote}", "'vote' is not one of"),
        ("labels: {compare: [vote]}", "'vote' is not one of"),
        ("labels: {joint: {threshold: best}}", "'best' is not valid under any of the given schemas"),
        ("systems: {mine: {labels: soft, loss: mse, output: linear, method: vote}}", "'vote' is not one of"),
        ("train: {epochs: many}", r"  train\.epochs: 'many' is not of type 'integer'; meaning: At most"),
        (
            "train: {learning_rate: 1e-3}",
            r"'1e-3' is not of type 'number' \(it is written as text: write 0\.001",
        ),
        ("train: {learning_rate: '0.001'}", r"'0\.001' is not of type 'number' \(it is written as text"),
        ("train: {model: {pooling: '5'}}", r"'5' is not of type 'array'(; meaning|\n|$)"),
        ("train: {epochs: 3.0}", r"  train\.epochs: 3\.0 is not of type 'integer'"),
        ("runs: true", r"  runs: True is not of type 'integer'; meaning: Trainings of each system"),
        ("train: 3", r"  train: 3 is not of type 'object'; meaning: Model and optimisation"),
        ("experiment: 2024", r"  experiment: 2024 is not of type 'string'; meaning: Name of the folder below results/"),
        ("train: {model: {pooling: 5}}", r"  train\.model\.pooling: 5 is not of type 'array'"),
        ("train: {model: {pooling: [5, two]}}", r"  train\.model\.pooling\.1: 'two' is not of type 'integer'"),
        ("trials: {event_length_s: 3}", r"  trials\.event_length_s: 3 is not of type 'array'; meaning: Mean lengths"),
        # a range
        ("train: {learning_rate: .nan}", r"  train\.learning_rate: nan is not of type 'number'"),
        ("features: {f_max: .inf}", r"  features\.f_max: inf is not of type 'number'"),
        ("labels: {threshold: 1.5}", r"  labels\.threshold: 1\.5 is greater than the maximum of 1"),
        ("folds: {number: 1}", r"  folds\.number: 1 is less than the minimum of 2"),
        ("folds: {validation: 0}", r"  folds\.validation: 0 is less than or equal to the minimum of 0"),
        ("experiment: ../elsewhere", r"  experiment: '../elsewhere' does not match"),
        ("trials: {spammers: [2]}", r"  trials\.spammers\.0: 2 is greater than the maximum of 1"),
        ("trials: {detection: {deaf: 0}}", r"  trials\.detection\.deaf: 0 is less than or equal to the minimum"),
        # a system
        ("systems: {labels: null}", r"  systems: 'labels' should not be valid"),
        (
            "systems: {mine: {labels: soft, loss: bce, output: linear}}",
            r"  systems\.mine\.output: 'sigmoid' was expected",
        ),
        ("systems: {mine: {labels: soft, loss: bce}}", r"  systems\.mine: 'output' is a required property"),
        # keys that do not go together
        ("features: {hop_s: 1.0e-12}", "a hop of 1e-12 s is 4.41e-08 samples at 44100 Hz; it must be a whole number"),
        ("features: {f_min: 100, f_max: 100.5}", r"f_min and f_max are less than 21\.5332 Hz apart"),
        ("features: {window: 1000000000}", r"features\.window: 1000000000 is greater than the maximum of 1048576"),
        ("experiment: -x", r"  experiment: '-x' does not match"),
        ("experiment: archives", r"  experiment: 'archives' should not be valid"),
        ('experiment: "a\\n"', r"  experiment: 'a\\n' does not match"),
        (f"experiment: {'a' * 101}", r"  experiment: 'a+' does not match"),
        ("systems: {-x: {labels: soft, loss: mse, output: linear}}", r"  systems: '-x' does not match"),
        ("features: {window: 2047}", r"features\.window: 2047 is not a multiple of 2"),
        ("features: {hop_s: 0.03}", "a hop of 0.03 s is 1323 samples at 44100 Hz; it must be a whole number"),
        ("features: {f_min: 15000}", "features: f_min 15000, f_max 14000"),
        ("features: {sample_rate: 16000}", "f_max at most half of sample_rate"),
        ("train: {model: {pooling: [5, 5, 5]}}", r"train\.model\.pooling: \[5, 5, 5\] leaves none of 64 mel bands"),
        (
            "folds: {source: official, number: 6}",
            r"folds\.number: 6, but folds\.official\.sha256 has no fold6_train\.csv",
        ),
        ("data: {demo: {crowd: {opinions_per_window: 31}}}", r"crowd\.opinions_per_window: 31, expected at most 30"),
        ("trials: {opinions_per_window: [3, 40]}", r"trials\.opinions_per_window: 40, expected at most 30"),
        (
            "trials: {duration_s: 10}\ndata: {demo: {crowd: {window_s: 12}}}",
            r"trials\.duration_s: 10, expected a window",
        ),
        ("trials: {duration_s: 3000000}", r"trials\.duration_s: 3000000, expected a window, 10, to 2592000 s"),
        (
            "data: {demo: {crowd: {window_s: 20}}}",
            r"systems\.S_MSE_lin_joint\.method: joint takes windows of up to 12 s",
        ),
        ("data: {demo: {crowd: {window_s: 20}}}", r"trials\.methods: joint takes windows of up to 12 s"),
        ("data: {demo: {crowd: {hop_s: 11}}}", r"data\.demo\.crowd\.hop_s: 11 s, expected at most window_s, 10 s"),
        (
            "data: {demo: {crowd: {spammer_rate: [0.6, 0.2]}}}",
            r"spammer_rate: \[0\.6, 0\.2\]; expected the lowest first",
        ),
        (yaml.safe_dump({"systems": dict.fromkeys(merged()["systems"])}), "systems: all are null"),
    ],
)
def test_a_mistake_is_named_with_its_key(change, message):
    with pytest.raises(InputError, match=rf"^1?[0-9] mistake\(s\) in the config, .*(\n.*)*{message}"):
        check_config(merged(change), SCHEMA)


def test_windows_that_joint_takes():
    assert joint.LONGEST_S == LONGEST_JOINT_S


def write(path, text):
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "evaluate: {classes: [car, cra]}",
            r"evaluate\.classes: no class \['cra'\] in .*classes\.tsv, which has \['annou",
        ),
        (
            "data: {demo: {crowd: {confused: [[car, lorry]]}}}",
            r"crowd\.confused: no class \['lorry'\] in .*classes\.tsv",
        ),
        ("folds: {number: 6}", r"scene 'cafe_restaurant' has 5 recordings, too few for 6 folds"),
        ("folds: {validation: 0.9}", "too few for 5 folds that each test, validate"),
        ("recordings: nowhere.tsv", r"nowhere\.tsv: cannot be read as text"),
        ("recordings: {folder}/names.tsv", "recording 'a b' cannot be the name of a file"),
        ("recordings: {folder}/scene.tsv", "a: scene 'yard' is not in .*scenes.tsv, which has"),
        ("recordings: {folder}/milliseconds.tsv", r"'60000000', expected 1 to 2592000 seconds; are these milli"),
        ("scenes: {folder}/asked.tsv", "line 2: unknown class 'people_talking'; known are"),
        ("classes: {folder}/twice.tsv", "line 3: class 'car' is listed twice"),
        ("classes: {folder}/empty.tsv", "line 2: no class; every row needs its names"),
        (
            "folds: {source: official, number: 2, official: {address: '{folder}'}}",
            "'city_center_00' is also in .*fold1_",
        ),
    ],
)
def test_tables_that_do_not_fit(tmp_path, change, message):
    header = "recording\tscene\tduration_s\n"
    write(tmp_path / "names.tsv", f"{header}a b\tcity_center\t60\n")
    write(tmp_path / "scene.tsv", f"{header}a\tyard\t60\n")
    write(tmp_path / "milliseconds.tsv", f"{header}a\tcity_center\t60000000\n")
    write(tmp_path / "asked.tsv", "scene\tclass\ncity_center\tpeople_talking\n")
    write(tmp_path / "twice.tsv", "class\ncar\ncar\n")
    write(tmp_path / "empty.tsv", "class\tmeaning\n\tnothing\n")
    for part in ("train", "val", "test"):
        write(tmp_path / f"fold1_{part}.csv", "filename\ncity_center/city_center_00\n")
    config = merged(change.replace("{folder}", str(tmp_path)))
    check_config(config, SCHEMA)
    with pytest.raises(InputError, match=message):
        check_tables(config, tables_of(config))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A copy of the project without results."""
    return copy_project(tmp_path_factory.mktemp("config"))


def names(folder):
    return {path.relative_to(folder) for path in Path(folder).rglob("*") if ".snakemake" not in path.parts}


def test_all_mistakes_at_once_few_lines_and_nothing_is_left(fresh):
    (fresh / "wrong.yaml").write_text("trian: {epochs: 3}\ntrain: {epochs: many}\ntrials: {spammers: [2]}\nruns: 0\n")
    before = names(fresh)
    shown = snakemake(fresh, configuration=["--configfile", "workflow/demo.yaml", "wrong.yaml"], fails=True)
    assert "4 mistake(s) in the config, files and command line together:" in shown
    for key in ("runs: 0 is less", "train.epochs: 'many'", "trials.spammers.0: 2", "trian: there is no such key"):
        assert f"\n  {key}" in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) < 20
    assert names(fresh) == before


def test_nonsense_on_the_command_line(fresh):
    nonsense = ["seed=abc", "runs=2.0", "trian=1", "experiment=", "predict={pooling: 3}", "train={epochs: 3}"]
    shown = snakemake(fresh, "--dry-run", configuration=["--config", *nonsense], fails=True)
    for message in (
        "seed: 'abc' is not of type 'integer'",
        "runs: 2.0 is not of type 'integer'",
        "trian: there is no such key; did you mean 'train'?",
        "experiment: None is not of type 'string'",
        "predict.pooling: '3' is not one of ['mean', 'max']",
        "train.epochs: '3' is not of type 'integer' (it is written as text: write 0.001 or 1.0e-3",
    ):
        assert message in shown
    assert "Traceback" not in shown


def test_true_events_that_are_not_there(fresh):
    shown = snakemake(fresh, "--dry-run", configuration=["--config", "truth=nowhere"], fails=True)
    assert "truth: there is no folder 'nowhere'" in shown


def test_a_section_that_is_there_twice_is_named_with_both_lines(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  epochs: 3\nruns: 2\ntrain:\n  patience: 5\n  model: {filters: 2, filters: 3}\n")
    with pytest.raises(InputError) as error:
        check_files([ROOT / "config.yaml", ROOT / "workflow/demo.yaml", path])
    assert f"{path}, line 4: 'train' is there twice, first in line 1; merge the two\n" in str(error.value)
    assert f"{path}, line 6: 'filters' is there twice, first in line 6; merge the two" in str(error.value)
