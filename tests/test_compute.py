"""Threads, precision and deterministic algorithms."""

import pytest
import torch

from convlab.core import compute
from convlab.core.compute import Compute, autocast, has_bfloat16_units, open_device, prepare
from convlab.core.errors import InputError


@pytest.fixture
def former_settings():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("former_settings")
@pytest.mark.parametrize("threads", [1, 2])
def test_prepare_sets_threads_and_deterministic_algorithms(threads):
    torch.use_deterministic_algorithms(False)
    prepare(Compute(launch="python", memory_gb=4, threads=threads))
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("capabilities", "units"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, True),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
        ({"avx512_bf16": True}, False),
        ({"bf16": True}, True),
        ({"avx2": True, "avx512_bf16": False, "cpu_name": "AMD EPYC"}, False),
        ({}, False),
    ],
)
def test_bfloat16_units_are_found_by_name(monkeypatch, capabilities, units):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert has_bfloat16_units() is units


@pytest.mark.parametrize(
    ("precision", "units", "dtype"),
    [
        ("float32", True, torch.float32),
        ("bfloat16", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
    ],
)
def test_the_forward_pass_runs_in_the_wanted_precision(monkeypatch, precision, units, dtype):
    monkeypatch.setattr(compute, "has_bfloat16_units", lambda: units)
    layer = torch.nn.Linear(2, 2)
    with autocast(precision, torch.device("cpu")):
        assert layer(torch.zeros(1, 2)).dtype == dtype
    assert layer(torch.zeros(1, 2)).dtype == torch.float32
    assert layer.weight.dtype == torch.float32


def test_a_processor_needs_nothing_and_a_missing_gpu_is_named(monkeypatch):
    assert open_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^train_sr\.device = cuda: torch finds no GPU here: "):
        open_device("cuda")
