"""Read patches that do not fit into memory in parts, called windows.

Reading each patch by itself would need a seek on the disk for each. A window consists
of blocks of neighbouring patches, drawn from all patches at random. Mini-batches are
drawn from the window in memory, while the next window is being read.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TypeVar

import numpy as np

from convlab.superres.patches import Pair, Shards

BLOCK = 256
"""Patches that are read together."""
WINDOW = 2**16
"""Largest number of patches in a window, many more than in a mini-batch."""

Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class Windows:
    """The windows of a training, which are numbered.

    All blocks are shuffled, and each window takes the next ones. When all were
    taken, they are shuffled again.
    """

    shards: Shards
    memory: float
    """Bytes that may be used; two windows take at most half of them."""
    seed: int

    @cached_property
    def blocks(self) -> list[tuple[int, int, int]]:
        """Runs of neighbouring patches: number of the shard, first patch, last patch + 1."""
        return [
            (shard, start, min(start + BLOCK, count))
            for shard, count in enumerate(self.shards.counts)
            for start in range(0, count, BLOCK)
        ]

    @cached_property
    def per_epoch(self) -> int:
        """Number of windows that hold every patch once."""
        size = min(WINDOW, int(self.memory / 4 / self.shards.bytes_per_patch))
        return -(-len(self.blocks) // max(1, size // BLOCK))

    def read(self, number: int) -> Pair:
        """Read a window; its blocks are read in their order on the disk.

        Returns
        -------
        Pair of ndarray
        """
        epoch, part = divmod(number, self.per_epoch)
        order = np.random.default_rng([self.seed, epoch, BLOCK]).permutation(len(self.blocks))
        chosen = np.sort(np.array_split(order, self.per_epoch)[part])
        return self.shards.read(self.blocks[index] for index in chosen)

    def parts(
        self,
        first_step: int,
        *,
        last_step: int,
        batch_size: int,
        prepare: Callable[[Pair], Prepared],
    ) -> Iterator[Prepared]:
        """Give the prepared window for each step, while the next window is being prepared.

        A window is used until each of its patches was drawn once on average.

        Parameters
        ----------
        first_step, last_step : int
            `last_step` itself is excluded.
        batch_size : int
            Patches that a step draws.
        prepare : callable
            Converts a window to what a step needs.

        Yields
        ------
        object
            The result of `prepare`.
        """
        steps = max(1, self.shards.count // self.per_epoch // batch_size)
        with ThreadPoolExecutor(1) as reader:

            def begin(number: int) -> Future[Prepared]:
                return reader.submit(lambda: prepare(self.read(number)))

            following = begin(first_step // steps)
            while first_step < last_step:
                current, number = following.result(), first_step // steps + 1
                end = min(number * steps, last_step)
                if end < last_step:
                    following = begin(number)
                yield from repeat(current, end - first_step)
                first_step = end
