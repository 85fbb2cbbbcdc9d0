"""Threads, precision and deterministic algorithms: set here and nowhere else."""

import contextlib
from typing import Literal

import torch

from convlab.params import Params, Threads

Precision = Literal["auto", "float32", "bfloat16"]


class Compute(Params):
    """How the stages use the machine (block `compute`)."""

    threads: Threads


def prepare(compute: Compute) -> None:
    """Make torch use that many threads and only algorithms that repeat bit for bit."""
    torch.set_num_threads(compute.threads)
    # As use_deterministic_algorithms, which also imports torch's compiler for over a second.
    torch.set_deterministic_debug_mode("error")


def has_bfloat16_units() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32.

    True for x86 with AMX or AVX512-BF16 and for Arm with the BF16 extension;
    elsewhere bfloat16 is emulated, and slower than float32.
    """
    # An older torch cannot tell; without oneDNN, torch has no fast kernels for these units.
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.backends.mkldnn.is_available() and any(
        capabilities.get(unit) for unit in ("amx_bf16", "avx512_bf16", "bf16")
    )


def autocast(precision: Precision) -> contextlib.AbstractContextManager:
    """Give the context in which a forward pass runs in the wanted precision."""
    if precision == "bfloat16" or (precision == "auto" and has_bfloat16_units()):
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()
