"""The choice of device and precision by what the machine provides."""

import torch

from softsed.core.errors import InputError


def choose_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA if available, else the CPU.

    Products of float32 on CUDA are computed in float32 from then on, not in TF32.

    Raises
    ------
    InputError
        If the machine has no such device.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch was built without CUDA
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"device {name!r} is not available: {reason}",
            key="--device",
            expected="auto, cpu, cuda or cuda:N",
        ) from error
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """Return the type in which products are computed: "float32" or "bfloat16".

    "auto" is bfloat16 on a CPU with instructions for products of bfloat16 (AVX512-BF16, AMX, Arm's BF16), which are
    at least twice as fast as products of float32. It is float32 elsewhere: without such instructions bfloat16 is
    slower, and on a GPU nothing has been measured.
    """
    if name != "auto":
        return name
    found = torch.cpu.get_capabilities()
    units = any(found.get(unit, False) for unit in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bfloat16" if device.type == "cpu" and units else "float32"
