"""Mistakes in the config: all are named with their key, in a few lines, before anything is planned."""

from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config
from support.errors import compare, refused
from support.project import ROOT, copy_project, snakemake

from softsed.core.errors import InputError
from softsed.planning.config import check_config, check_files, check_tables, find_mistakes

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def merged(*changes, experiment="workflow/demo.yaml"):
    """The config of the demo, or of MAESTRO Real, with changes, merged as Snakemake does."""
    config = {}
    for name in filter(None, ("config.yaml", experiment)):
        update_config(config, yaml.safe_load((ROOT / name).read_text()))
    for text in changes:
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


MISTAKES = [
    # a key that does not exist
    ("trian: {epochs: 3}", "trian", "no such key"),
    ("train: {epoch: 3}", "train.epoch", "no such key"),
    ("predict: {xyz: 3}", "predict.xyz", "no such key"),
    ("data: {source: demo}", "data.source", "no such key"),
    ("trials: {repetition: 3}", "trials.repetition", "no such key"),
    ("folds: {official: {sha256: {list1.csv: abc}}}", "folds.official.sha256.list1.csv", "no such key"),
    ("systems: {1: null}", "systems.1", "int"),
    # a type or a value
    ("train: {model: {dropout: 1.5}}", "train.model.dropout", "1.5 is greater than or equal to the maximum of 1"),
    ("systems: {my system: {labels: soft, loss: mse, output: linear}}", "systems", "'my system'"),
    ("labels: {method: vote}", "labels.method", "'vote' is not one of"),
    ("labels: {compare: [vote]}", "labels.compare.0", "'vote' is not one of"),
    ("labels: {joint: {threshold: best}}", "labels.joint.threshold", "'best' is not valid"),
    (
        "systems: {mine: {labels: soft, loss: mse, output: linear, method: vote}}",
        "systems.mine.method",
        "'vote' is not one of",
    ),
    ("train: {epochs: many}", "train.epochs", "'many' is not of type 'integer'"),
    ("train: {learning_rate: 1e-3}", "train.learning_rate", "'1e-3' is not of type 'number' (it is text: write 0.001"),
    ("train: {learning_rate: '0.001'}", "train.learning_rate", "'0.001' is not of type 'number' (it is text"),
    ("train: {model: {pooling: '5'}}", "train.model.pooling", "'5' is not of type 'array'"),
    ("train: {epochs: 3.0}", "train.epochs", "3.0 is not of type 'integer'"),
    ("runs: true", "runs", "True is not of type 'integer'"),
    ("train: 3", "train", "3 is not of type 'object'"),
    ("experiment: 2024", "experiment", "2024 is not of type 'string'"),
    ("train: {model: {pooling: 5}}", "train.model.pooling", "5 is not of type 'array'"),
    ("train: {model: {pooling: [5, two]}}", "train.model.pooling.1", "'two' is not of type 'integer'"),
    ("trials: {event_length_s: 3}", "trials.event_length_s", "3 is not of type 'array'"),
    # a range
    ("train: {learning_rate: .nan}", "train.learning_rate", "nan is not of type 'number'"),
    ("features: {f_max: .inf}", "features.f_max", "inf is not of type 'number'"),
    ("labels: {threshold: 1.5}", "labels.threshold", "1.5 is greater than the maximum of 1"),
    ("folds: {number: 1}", "folds.number", "1 is less than the minimum of 2"),
    ("folds: {validation: 0}", "folds.validation", "0 is less than or equal to the minimum of 0"),
    ("experiment: ../elsewhere", "experiment", "'../elsewhere' does not match"),
    ("trials: {spammers: [2]}", "trials.spammers.0", "2 is greater than the maximum of 1"),
    ("trials: {detection: {deaf: 0}}", "trials.detection.deaf", "0 is less than or equal to the minimum"),
    ("features: {window: 1000000000}", "features.window", "1000000000 is greater than the maximum of 1048576"),
    ("features: {window: 2047}", "features.window", "2047 is not a multiple of 2"),
    ("experiment: -x", "experiment", "'-x' does not match"),
    ("experiment: archives", "experiment", "'archives' should not be valid"),
    ('experiment: "a\\n"', "experiment", r"'a\n' does not match"),
    (f"experiment: {'a' * 101}", "experiment", f"'{'a' * 101}' does not match"),
    # a system
    ("systems: {labels: null}", "systems", "'labels' should not be valid"),
    ("systems: {-x: {labels: soft, loss: mse, output: linear}}", "systems", "'-x' does not match"),
    (
        "systems: {mine: {labels: soft, loss: bce, output: linear}}",
        "systems.mine.output",
        "'sigmoid' was expected",
    ),
    ("systems: {mine: {labels: soft, loss: bce}}", "systems.mine", "'output' is a required property"),
    (yaml.safe_dump({"systems": dict.fromkeys(merged()["systems"])}), "systems", "null"),
    # keys that contradict each other
    ("features: {f_min: 100, f_max: 100.5}", "features", "21.5332 Hz"),
    ("features: {f_min: 15000}", "features", ["f_min is 15000", "f_max is 14000"]),
    ("features: {sample_rate: 16000}", "features", ["f_max is 14000", "sample_rate is 16000"]),
    ("train: {model: {pooling: [5, 5, 5]}}", "train.model.pooling", ["[5, 5, 5]", "64"]),
    ("folds: {source: official, number: 6}", "folds.number", ["6", "fold6_train.csv"]),
    ("data: {demo: {crowd: {opinions_per_window: 31}}}", "data.demo.crowd.opinions_per_window", "31"),
    ("trials: {opinions_per_window: [3, 40]}", "trials.opinions_per_window", "40"),
    ("trials: {duration_s: 10}\ndata: {demo: {crowd: {window_s: 12}}}", "trials.duration_s", "10"),
    ("trials: {duration_s: 3000000}", "trials.duration_s", "3000000"),
    ("data: {demo: {crowd: {window_s: 20}}}", "systems.S_MSE_lin_joint.method", "20"),
    ("data: {demo: {crowd: {window_s: 20}}}", "trials.methods", "20"),
    ("data: {demo: {crowd: {hop_s: 11}}}", "data.demo.crowd.hop_s", "11"),
    ("data: {demo: {crowd: {spammer_rate: [0.6, 0.2]}}}", "data.demo.crowd.spammer_rate", "[0.6, 0.2]"),
    # sources of the data that contradict each other
    ("opinions: x.tsv", "opinions", "opinions=x.tsv cannot be combined with the demo"),
    ("{audio: folder, soft: x.tsv}", "audio", "audio=folder cannot be combined with the demo"),
    ("soft: x.tsv", "soft", "soft is set, but audio is not"),
    ("{soft: x.tsv, hard: y}", "soft", "soft and hard are set, but audio is not"),
    ("truth: '{folder}'", "truth", "{folder}"),
    ("recordings: a<b", "recordings", "a<b"),
    ("{scenes: null, classes: null}", "classes", "no table"),
]
# Without the demo.
MAESTRO_REAL = [
    ("trials: {methods: [eq1]}", "data", "'demo' is a required property"),
    ("labels: {compare: [majority]}", "labels.compare", "majority"),
    ("systems: {S_MSE_lin: {method: joint}}", "systems.S_MSE_lin.method", "joint"),
    ("audio: folder", "audio", "none of soft, hard and opinions"),
    ("{audio: folder, soft: a, hard: b, opinions: c}", "audio", "soft and hard and opinions"),
    ("{opinions: x.tsv, scenes: null}", "scenes", ["recordings", "scenes"]),
    ("{audio: folder, soft: x.tsv, labels: {compare: [joint]}}", "labels.compare", "joint"),
]


@pytest.mark.parametrize(
    ("change", "key", "problem", "experiment"),
    [*((*case, "workflow/demo.yaml") for case in MISTAKES), *((*case, None) for case in MAESTRO_REAL)],
)
def test_mistake_is_reported_with_its_key(change, key, problem, experiment):
    mistakes = find_mistakes(merged(change, experiment=experiment), SCHEMA)
    texts = [problem] if isinstance(problem, str) else problem
    found = [one for one in mistakes if one.key == key and all(text in one.problem for text in texts)]
    assert len(found) == 1, [str(one) for one in mistakes]
    compare(str(found[0]))


@pytest.mark.parametrize("hop", [1.0e-12, 0.03])
def test_hop_of_no_whole_samples_is_refused(hop):
    with refused(problem=f"{hop} s"):
        check_config(merged(f"features: {{hop_s: {hop!r}}}".replace("1e-12", "1.0e-12")), SCHEMA)


def test_similar_key_is_suggested():
    with refused(key="trian", expected="'train', the most similar key"):
        check_config(merged("trian: {epochs: 3}"), SCHEMA)


def test_meaning_of_key_is_shown():
    with refused(key="runs", remedy="Meaning of the key: Trainings of each system and fold, each with its own seed"):
        check_config(merged("runs: true"), SCHEMA)


def test_mistakes_have_a_fixed_order():
    change = "{audio: a, soft: 'x{', hard: y, truth: 'z<', scenes: 's>'}"
    keys = [mistake.key for mistake in find_mistakes(merged(change, experiment=None), SCHEMA)]
    assert keys == ["scenes", "soft", "truth", "audio"]


def write(path, text):
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "evaluate: {classes: [car, cra]}",
            r"evaluate\.classes: no class \['cra'\]\. Expected .*classes\.tsv, which lists \['annou",
        ),
        (
            "data: {demo: {crowd: {confused: [[car, lorry]]}}}",
            r"crowd\.confused: no class \['lorry'\]\. Expected .*classes\.tsv",
        ),
        ("folds: {number: 6}", r"scene 'cafe_restaurant' has 5 recordings, too few for 6 folds"),
        ("folds: {validation: 0.9}", "too few for 5 folds"),
        ("recordings: nowhere.tsv", r"nowhere\.tsv: cannot be read as text"),
        ("recordings: {folder}/names.tsv", r"names\.tsv: recording 'a b' cannot be the name of a file"),
        ("recordings: {folder}/scene.tsv", "'a' has the scene 'yard'.*scenes.tsv, which lists"),
        (
            "recordings: {folder}/milliseconds.tsv",
            r"line 2: .*'60000000'\. Expected 1 to 2592000 s.*milliseconds",
        ),
        ("scenes: {folder}/asked.tsv", "asked.tsv, line 2: unknown class 'people_talking'"),
        ("classes: {folder}/twice.tsv", "twice.tsv, line 3: class 'car' is listed twice"),
        ("classes: {folder}/empty.tsv", "empty.tsv, line 2: no class"),
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
    assert "4 mistakes in the config" in shown
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
        "trian: there is no such key. Expected 'train', the most similar key.",
        "experiment: None is not of type 'string'",
        "predict.pooling: '3' is not one of ['mean', 'max']",
        "train.epochs: '3' is not of type 'integer' (it is text: write 0.001 or 1.0e-3",
    ):
        assert message in shown
    assert "Traceback" not in shown


def test_true_events_that_are_not_there(fresh):
    shown = snakemake(fresh, "--dry-run", configuration=["--config", "truth=nowhere"], fails=True)
    assert "truth: there is no folder 'nowhere'" in shown


def test_null_system_leaves_its_curves_out(fresh):
    (fresh / "null.yaml").write_text("systems: {S_MSE_lin: null}\n")
    shown = snakemake(fresh, "--dry-run", configuration=["--configfile", "workflow/demo.yaml", "null.yaml"])
    assert "S_MSE_lin:h, S_MSE_lin:s left out of report.curves" in shown
    assert "models/S_MSE_lin/" not in shown


def test_a_section_that_is_there_twice_is_named_with_both_lines(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("train:\n  epochs: 3\nruns: 2\ntrain:\n  patience: 5\n  model: {filters: 2, filters: 3}\n")
    with refused(problem="2 mistakes in the config") as caught:
        check_files([ROOT / "config.yaml", ROOT / "workflow/demo.yaml", path])
    assert f"{path}, line 4, train: the section occurs twice, first in line 1. Merge the two.\n" in str(caught.value)
    assert f"{path}, line 6, filters: the section occurs twice, first in line 6. Merge the two." in str(caught.value)
