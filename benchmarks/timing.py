"""What the benchmarks share: fair timings."""

import time
from collections.abc import Callable
from statistics import median

PAUSE = 0.3
"""Seconds before each timing: threads of the program before may spin for a while."""


def interleave(actions: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Time actions in turn, again and again, so that whatever slows the machine slows all alike.

    Parameters
    ----------
    actions : dict of str to callable
        Each is also called once before, which does not count.
    rounds : int
        At least five, for a median that an outlier does not move.

    Returns
    -------
    dict of str to float
        The median in seconds, by name.
    """
    for action in actions.values():
        action()
    seconds = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            time.sleep(PAUSE)
            began = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in seconds.items()}
