"""For several benchmarks: time actions under the same conditions."""

import time
from collections.abc import Callable
from statistics import median

PAUSE = 0.3
"""Seconds to wait before each timing, because threads of the previous program may still spin."""


def interleave(actions: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Time actions in turn, several times, so that other load slows all of them in the same way.

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
