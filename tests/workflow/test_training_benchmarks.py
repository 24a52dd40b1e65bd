"""The loops that softsed's training is compared with, and the script for GPUs on a machine without a GPU."""

import csv
import importlib
import sys

import pytest
import torch
import yaml
from support.project import ROOT
from support.run import run

from softsed.train.network import CRNN

ACCELERATOR = [sys.executable, ROOT / "benchmarks/accelerator.py"]


@pytest.fixture
def load(monkeypatch):
    """Return a function that imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    for name in ("accelerator", "loops", "measure", "training"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module


def read_config(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def read_table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_published_network_has_its_weights(load):
    """The published baseline has 380,113 weights."""
    network = CRNN(**load("training").SIZES["dcase2023"].model)
    assert sum(weight.numel() for weight in network.parameters()) == 380_113


def test_sizes_are_those_of_the_configs(load):
    training = load("training")
    base, published = read_config("config.yaml"), read_config("workflow/dcase2023.yaml")
    for name, changes in (("paper", {}), ("dcase2023", published["train"]["model"])):
        model = training.SIZES[name].model
        assert {key: model[key] for key in base["train"]["model"]} == base["train"]["model"] | changes
        assert model["mel_bands"] == base["features"]["mel_bands"]
    found = training.SIZES["dcase2023"]
    assert (found.frames, training.BATCH) == tuple(published["train"][key] for key in ("sequence_frames", "batch_size"))
    assert found.rate * published["features"]["hop_s"] == 1
    assert training.SIZES["paper"].rate * base["features"]["hop_s"] == 1


@pytest.mark.parametrize(
    ("active", "events"),
    [
        ([(0, 10)], [(0, 2)]),
        ([(3, 4)], []),  # 0.6 s to 0.8 s: both become 0
        ([(4, 6)], [(0, 1)]),  # 0.8 s to 1.2 s
        ([(0, 5), (8, 10)], [(0, 2)]),  # 0 s to 1 s and 1.6 s to 2 s touch after rounding
        ([(0, 5), (15, 20)], [(0, 1), (3, 4)]),
    ],
)
def test_published_events_are_rounded_down(load, active, events):
    """By hand, at 5 frames per second; the twelfth class is not evaluated."""
    values = torch.zeros(20, 12)
    for first, last in active:
        values[first:last, [2, 11]] = 0.9
    found = load("loops").to_events(values, 5)
    assert {event.event_label for event in found} <= {"2"}
    assert [(event.onset, event.offset) for event in found] == events


def test_published_loop_trains_and_keeps_weights(load, tmp_path):
    """The file contains the weights after the epoch, which differ from the first weights."""
    training = load("training")
    sizes = training.SIZES["dcase2023"]
    model = CRNN(**sizes.model | training.SMOKE)
    before = {name: value.clone() for name, value in model.named_parameters()}
    data, path = training.draw(1, sizes), tmp_path / "weights.pt"
    loss = load("loops").fit_published(model, data, data, batch=training.BATCH, rate=sizes.rate, weights=path)
    saved = torch.load(path, weights_only=True)
    for name, value in model.named_parameters():
        assert torch.equal(saved[name], value)
        assert not torch.equal(before[name], value)
    model.eval()
    with torch.no_grad():
        expected = torch.nn.functional.mse_loss(model(data.features), data.targets)
    assert loss == pytest.approx(expected.item(), rel=1e-5)


def test_textbook_error_rate_counts_seconds(load):
    """A network of constant outputs of 0 misses all active seconds: error rate 1."""
    loops, training = load("loops"), load("training")
    sizes = training.SIZES["paper"]
    model = CRNN(**sizes.model | training.SMOKE)
    torch.nn.init.zeros_(model.dense[-1].weight)
    torch.nn.init.zeros_(model.dense[-1].bias)
    data = training.draw(1, sizes)
    assert loops.validate_textbook(model, data, batch=8, rate=sizes.rate) == 1
    torch.nn.init.ones_(model.dense[-1].bias)  # all seconds are detected, and none is missed
    active = (data.targets[:, 0] > 0.5).double().mean().item()  # levels are constant in a sequence of 5.12 s
    expected = (1 - active) / active
    assert loops.validate_textbook(model, data, batch=8, rate=sizes.rate) == pytest.approx(expected)


def test_machine_without_a_gpu_is_refused_in_a_line(tmp_path):
    table = tmp_path / "table.tsv"
    shown = run(
        ROOT, *ACCELERATOR, table, fails=True, PYTHONPATH=str(ROOT / "workflow"), CUDA_VISIBLE_DEVICES=""
    ).splitlines()
    assert len(shown) == 1
    assert "device 'cuda' is not available" in shown[0]
    assert not table.exists()


def test_rows_without_time_are_listed(load, tmp_path):
    """Without any time, every row has the reason."""
    table = tmp_path / "table.tsv"
    run(ROOT, *ACCELERATOR, table, "--smoke", "--budget", "0", PYTHONPATH=str(ROOT / "workflow"))
    rows = read_table(table)
    assert len(rows) == len(load("accelerator").SMOKE_ROWS)
    assert {row["problem"] for row in rows} == {"no time left of 0 s"}


def test_unfinished_row_is_ended(load):
    """A process needs more than a hundredth of a second to import torch."""
    accelerator = load("accelerator")
    assert accelerator.measure(accelerator.ROWS[0], "cpu", 0.01, True) == {"problem": "not finished after 0.01 s"}


def test_error_of_one_job_is_the_row_of_all(load):
    """TF32 does not exist on a CPU; no job waits for the failed job."""
    accelerator = load("accelerator")
    row = accelerator.Row("softsed", "reference", "TF32", jobs=2)
    found = accelerator.measure(row, "cpu", 120, True)
    assert found["problem"].startswith("InputError: TF32 does not exist on cpu")


def test_cells_compare_with_two_rows(load):
    """By hand: twice the textbook's speed; the mean of the five seeds is within or outside the CPU's spread."""
    accelerator = load("accelerator")
    first, on_cpu = {"frames_per_s": 50.0}, {"losses": [1.0, 2.0, 3.0, 4.0, 5.0]}

    def cells(row, found, **other):
        compared = {"first": first, "on_cpu": on_cpu} | other
        return dict(zip(accelerator.COLUMNS, accelerator.list_cells(row, found, **compared), strict=True))

    row = accelerator.ROWS[1]
    found = cells(row, {"frames_per_s": 100.0, "gpu_memory_mb": 7.0})
    assert (found["network"], found["ratio"], found["gpu_memory_mb"], found["problem"]) == (row.network, 2.0, 7.0, None)
    assert cells(row, {"frames_per_s": 100.0}, first={"problem": "x"})["ratio"] is None
    assert cells(row, {"problem": "x"})["problem"] == "x"
    within = cells(accelerator.ON_CPU, {"losses": [4.0, 4.0, 4.0, 4.0, 6.0]})
    columns = ("validation_loss", "loss_least", "loss_most", "as_on_cpu")
    assert [within[column] for column in columns] == [4.4, 4.0, 6.0, "yes"]
    assert cells(accelerator.ON_CPU, {"losses": [5.0, 5.0, 5.0, 5.0, 6.0]})["as_on_cpu"] == "no"
    assert cells(accelerator.ON_CPU, {"losses": [5.0] * 5}, on_cpu={"problem": "x"})["as_on_cpu"] is None
