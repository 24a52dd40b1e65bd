"""Device and precision by what the machine provides."""

import pytest
import torch
from support.errors import refused

from softsed.train.device import choose_device, choose_precision


def test_device_auto_is_cuda_if_available():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu7x"])
def test_device_that_the_machine_lacks_is_refused(name):
    with refused(key="--device", problem=repr(name), expected="auto, cpu, cuda or cuda:N", golden=False):
        choose_device(name)


@pytest.mark.parametrize(
    ("device", "units", "expected"),
    [
        ("cpu", {"avx512_bf16": True}, "bfloat16"),
        ("cpu", {"amx_bf16": True}, "bfloat16"),
        ("cpu", {"bf16": True}, "bfloat16"),
        ("cpu", {"avx512_bf16": False, "avx2": True}, "float32"),
        ("cuda", {"avx512_bf16": True}, "float32"),
    ],
)
def test_precision_auto_follows_the_cpu(device, units, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units)
    assert choose_precision("auto", torch.device(device)) == expected
    for name in ("float32", "bfloat16"):
        assert choose_precision(name, torch.device(device)) == name
