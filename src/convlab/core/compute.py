"""Threads, precision and deterministic algorithms: set here and nowhere else."""

import contextlib
import os
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, Field
from torch import distributed, nn

from convlab.core.errors import InputError
from convlab.core.params import Params, Threads

Device = Literal["cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


def _starts_scripts(launch: str) -> str:
    if launch != "python" and "torchrun" not in launch.split():
        raise ValueError("should be python, or torchrun with its options")
    return launch


class Compute(Params):
    """How the stages use the machine (block `compute`)."""

    launch: Annotated[str, AfterValidator(_starts_scripts)]
    """How DVC starts the stages that share their work among processes."""
    threads: Threads
    """CPU threads of all processes on this machine together."""
    memory_gb: Annotated[float, Field(gt=0)]
    """Memory for the training patches of each process, in GB."""


def prepare(compute: Compute) -> None:
    """Make torch use `compute.threads` threads and only deterministic algorithms.

    Processes that torchrun started on this machine share the threads evenly.
    """
    is_launched = distributed.is_torchelastic_launched()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if is_launched else 1
    torch.set_num_threads(max(1, compute.threads // processes))
    # Does what use_deterministic_algorithms does, which takes a second to import torch's compiler.
    torch.set_deterministic_debug_mode("error")
    # Do not fill every new tensor with NaN (which finds code that reads it too early): that takes
    # 4 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False


def set_seed(seed: int) -> None:
    """Seed torch's random numbers: initial weights, Dropout."""
    torch.manual_seed(seed)


def has_bfloat16_units() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32.

    True for x86 with AMX, for Arm with the BF16 extension, and for AMD with AVX512-BF16. With
    AVX512-BF16 alone, a training step took about half as long as in float32 on an AMD EPYC (Zen 4),
    but 1.6 times as long on an Intel Xeon. Other processors emulate bfloat16,
    which is slower, too.

    Returns
    -------
    bool
    """
    # Older versions of torch lack this function. Without oneDNN, torch cannot use these units.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    units = {"amx_bf16", "bf16"}
    if "AMD" in capabilities.get("cpu_name", ""):
        units.add("avx512_bf16")
    return torch.backends.mkldnn.is_available() and any(capabilities.get(unit) for unit in units)


def open_device(name: Device) -> torch.device:
    """Give a device to compute on, prepared for reproducible results.

    Returns
    -------
    torch.device

    Raises
    ------
    InputError
        If there is no such device.
    """
    if name == "cuda":
        if not torch.cuda.is_available():
            raise InputError(
                "train_sr.device = cuda: torch finds no GPU here: set it to cpu in params.yaml,"
                " then run `dvc repro`"
            )
        number = int(os.environ.get("LOCAL_RANK", "0"))  # torchrun sets it
        if number >= torch.cuda.device_count():
            raise InputError(
                f"compute.launch starts more processes than this machine has GPUs"
                f" ({torch.cuda.device_count()}): lower --nproc-per-node"
            )
        torch.cuda.set_device(number)
        # Without this setting, torch refuses matrix products in deterministic mode.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # float32, not TF32
    return torch.device(name)


def autocast(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager:
    """Give the context in which a forward pass runs in the given precision.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"}
        "auto" is bfloat16 on GPUs and processors that have units for it, else float32.
    device : torch.device

    Returns
    -------
    context manager
    """
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = has_bfloat16_units()
    if precision == "bfloat16" or (precision == "auto" and fast):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def to_channels_last(network: nn.Module) -> None:
    """Store kernels with the channels last in memory, which is a third faster on CPUs.

    Parameters
    ----------
    network : Module
        Changed in place; kernels of one or three dimensions stay as they are.
    """
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
