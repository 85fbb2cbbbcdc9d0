"""Several processes that share one training or evaluation; `torchrun` starts them.

The examples of a mini-batch and the images of an evaluation are divided among the
processes. With plain `python`, and outside `joined`, there is one process, which does
all the work.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from convlab.core.errors import InputError
from convlab.core.script import rank

PATIENCE = timedelta(minutes=5)
"""A process that has sent nothing for so long is reported to hang."""
_REPORT = timedelta(seconds=2)
"""How long to wait for the other processes to report, after a connection was lost."""

Item, Result = TypeVar("Item"), TypeVar("Result")


@contextmanager
def joined(patience: timedelta = PATIENCE) -> Iterator[None]:
    """Connect the processes that torchrun started, for as long as the block runs.

    All of them must call the same functions of this module in the same order.
    """
    if not distributed.is_torchelastic_launched() or _world_size() == 1:
        yield
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    _wait(lambda: distributed.init_process_group(backend, timeout=patience))
    yield
    distributed.destroy_process_group()  # not after an error: the others may be gone


def count() -> int:
    """Give how many processes share the work."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def share(total: int) -> slice:
    """Give this process's share of the examples, which are divided as evenly as possible.

    Raises
    ------
    InputError
        If there are fewer examples than processes.
    """
    if total < count():
        raise InputError(
            f"a mini-batch of {total} cannot be shared by {count()} processes: raise batch_size in"
            " params.yaml, or lower --nproc-per-node in compute.launch"
        )
    start, end = (total * each // count() for each in (_rank(), _rank() + 1))
    return slice(start, end)


def average(tensors: list[Tensor], weight: int) -> None:
    """Replace tensors by their weighted mean over all processes.

    The order of the sum depends only on the number of processes, so that a training gives
    the same bits again, also when it is resumed. (torch's DistributedDataParallel runs the sum
    during the backward pass, which helps with networks far larger than those here. It also sums
    in another order in its first step, so that a resumed training would differ.)

    Parameters
    ----------
    tensors : list of Tensor of float32
        They have the same shapes in all processes, and are changed in place.
    weight : int
        Weight of this process: the number of examples in its share.
    """
    if count() == 1:
        return
    parts = [tensor.flatten() for tensor in tensors]
    sums = torch.cat([*parts, torch.ones_like(parts[0][:1])]).mul_(weight)
    _wait(lambda: distributed.all_reduce(sums))
    means = sums[:-1].div_(sums[-1]).split([part.numel() for part in parts])
    for tensor, mean in zip(tensors, means, strict=True):
        tensor.copy_(mean.view(tensor.shape))


def spread(function: Callable[[Tensor], Tensor], tensors: Tensor) -> Tensor:
    """Apply a function to several tensors, which are divided among the processes.

    Parameters
    ----------
    function : callable
        Maps a stack of tensors to a stack of tensors of the same shape.
    tensors : Tensor, shape (n, ...)
        The same in all processes.

    Returns
    -------
    Tensor, shape (n, ...)
        The same in all processes.
    """
    if not 1 < count() <= len(tensors):
        return function(tensors)
    results, own = torch.zeros_like(tensors), share(len(tensors))
    results[own] = function(tensors[own])
    _wait(lambda: distributed.all_reduce(results))  # each result is 0 in all other processes
    return results


def agree(network: nn.Module) -> None:
    """Copy the buffers of the first process, such as BatchNorm's running means, to all others."""
    if count() > 1:
        for buffer in network.buffers():
            _wait(lambda buffer=buffer: distributed.broadcast(buffer, 0))


def in_turn(function: Callable[[], Result]) -> Result:
    """Call a function in the first process and, when it is done there, in the others."""
    if count() > 1 and _rank():
        _wait(_meet)
    result = function()
    if count() > 1 and not _rank():
        _wait(_meet)
    return result


def shared(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function to items, which are divided among the processes.

    Parameters
    ----------
    function : callable
        Function of one item.
    items : iterable
        The same in all processes.

    Yields
    ------
    object
        Every result, in every process, in the order of the items.
    """
    if count() == 1:
        yield from map(function, items)
        return
    items = iter(items)
    while some := list(islice(items, count())):
        own = [function(item) for item in some[_rank() : _rank() + 1]]
        results = [[]] * count()
        _wait(lambda own=own, results=results: distributed.all_gather_object(results, own))
        for result in results:
            yield from result


def _rank() -> int:
    """Give the number of this process among those that share the work."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def _meet() -> None:
    """Wait for all processes, by a sum on the CPU; torch's barrier would use the GPUs."""
    distributed.all_reduce(torch.zeros(1))


def _world_size() -> int:
    return int(os.environ["WORLD_SIZE"])


def _wait(collective: Callable[[], object]) -> None:
    """Call a collective operation; if it fails, name the processes that do not take part.

    Raises
    ------
    InputError
        If a process is gone or hangs. Only the first of the other processes raises it.
    """
    try:
        collective()
    except RuntimeError as error:
        missing = _missing()
        if any(number not in missing for number in range(rank())):
            time.sleep(60)  # the first process reports it, and torchrun ends this process
        gone = ", ".join(f"process {number}" for number in missing) or "a connection"
        raise InputError(
            f"{gone} of {_world_size()} is gone or hangs (they count from 0): run again to resume"
            " from the last checkpoint"
        ) from error


def _missing() -> list[int]:
    """Give the numbers of the processes that do not report that they are waiting."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = distributed.TCPStore(address, port, is_master=False, timeout=_REPORT)
    store.set(f"waiting/{rank()}", "")
    deadline, missing = time.monotonic() + _REPORT.total_seconds(), []
    for number in range(_world_size()):
        left = timedelta(seconds=max(0.1, deadline - time.monotonic()))
        try:
            store.wait([f"waiting/{number}"], left)
        except RuntimeError:
            missing.append(number)
    return missing
