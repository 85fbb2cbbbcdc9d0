"""Patches that do not fit into memory: a part of them, a window, is read at a time.

Drawing each patch from the disk would seek for each. A window is made of blocks
of neighbouring patches from all over the data; mini-batches are drawn from it as
they are from patches in memory, while the next window is being read.
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
"""Patches that are read in one go."""
WINDOW = 2**16
"""Patches in a window, at most: many more than are in a mini-batch."""

Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class Windows:
    """The windows of a training, each known by its number.

    All blocks are shuffled, and a window takes the next ones; when all had
    their turn, they are shuffled anew.
    """

    shards: Shards
    memory: float
    """Bytes that may be used: two windows take at most half of it."""
    seed: int

    @cached_property
    def blocks(self) -> list[tuple[int, int, int]]:
        """Runs of neighbouring patches of one shard: its number, the first one, the end."""
        return [
            (shard, start, min(start + BLOCK, count))
            for shard, count in enumerate(self.shards.counts)
            for start in range(0, count, BLOCK)
        ]

    @cached_property
    def per_epoch(self) -> int:
        """How many windows it takes to read every patch once."""
        size = min(WINDOW, int(self.memory / 4 / self.shards.bytes_per_patch))
        return -(-len(self.blocks) // max(1, size // BLOCK))

    def read(self, number: int) -> Pair:
        """Read a window, in the order in which its blocks lie on the disk.

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
        """Give for each step what is made of its window; the next one is made meanwhile.

        A window lasts until each of its patches was drawn once, in the mean.

        Parameters
        ----------
        first_step, last_step : int
            The last one itself is left out.
        batch_size : int
            Patches that a step draws.
        prepare : callable
            Makes of a window what a step needs.

        Yields
        ------
        object
            What `prepare` gave.
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
