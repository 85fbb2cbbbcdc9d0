"""Kill a stage at any moment: the next run must end as if nothing had been."""

import shutil
import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import psutil

from convlab.errors import InputError
from faults.trial import (
    LIMIT,
    ROOT,
    STAGES,
    Bench,
    Copy,
    Done,
    Ending,
    Lost,
    Running,
    Trial,
    check_refusal,
    check_well,
    kill,
    prepare,
)

FORMER = ("removed", "left", "removed", "changed")
_LOOK = 0.005  # seconds from look to look at the script
VICTIMS = ("script", "dvc and script", "dvc")
REAL_TRIALS = 5
REAL_CHANGES = {"train_sr": {"steps": 840, "validate_every": 84}}


def trials(bench: Bench) -> list[Trial]:
    """Kill every stage again and again; run one by force that has finished."""
    killed = [
        trial
        for stage in STAGES
        for trial in _of_stage(bench, f"kill {stage}", stage, lambda: bench.reference, bench.trials)
    ]
    again = Trial("train_sr again", "forced after it finished", lambda copy: _again(bench, copy))
    return [*killed, again]


def real_trials(bench: Bench) -> list[Trial]:
    """Kill the longest training on real data, made shorter."""
    patches = Path("data/patches")
    if not (ROOT / patches).is_dir():
        raise InputError(f"{patches}: is missing: run `make repro` here first")

    @cache
    def source() -> Copy:
        copy = bench.copy("real")
        prepare(copy, REAL_CHANGES)
        shutil.copytree(ROOT / patches, copy.tree / patches)
        shutil.copyfile(ROOT / "dvc.lock", copy.tree / "dvc.lock")
        return copy

    return _of_stage(bench, "kill-real train_sr", "train_sr", source, REAL_TRIALS)


def _of_stage(
    bench: Bench, case: str, stage: str, source: Callable[[], Copy], count: int
) -> list[Trial]:
    """Kill one stage so many times, in copies of a source that is made when it is needed."""

    @cache
    def undisturbed() -> tuple[float, Ending]:
        copy = bench.copy(f"undisturbed-{stage}")
        copy.fill(source().tree)
        copy.forget(stage, "removed")
        running = copy.start_repro("--single-item", stage)
        script, began = running.await_script(stage), time.monotonic()
        script.wait(LIMIT)
        seconds = time.monotonic() - began
        check_well(running.wait())
        copy.check_tidy()
        return seconds, copy.ending()

    def trial(number: int) -> Trial:
        chance = bench.random(case, number).uniform(0, 1.05)
        former, victim = FORMER[number % len(FORMER)], VICTIMS[number % len(VICTIMS)]

        def body(copy: Copy) -> None:
            seconds, expected = undisturbed()
            copy.fill(source().tree)
            copy.forget(stage, former)
            script = _kill(
                copy.start_repro("--single-item", stage), stage, victim, chance * seconds
            )
            orphan = script if victim == "dvc" else None
            copy.mend_dvc()
            begun = not orphan and _has_checkpoint(copy)
            try:
                done = _repeat(copy, stage, orphan)
            finally:
                kill(script)
            if begun and "going on from step" not in done.output:
                raise Lost("did not go on from its checkpoint")
            copy.check_ending(expected)

        done = f"{victim} killed after {chance:.3f} of the script's time, former outputs {former}"
        return Trial(case, done, body)

    return [trial(number) for number in range(count)]


def _kill(running: Running, stage: str, victim: str, moment: float) -> psutil.Process:
    """Kill what is to be killed at that moment, or before, if the script ends; give the script."""
    script, began = running.await_script(stage), time.monotonic()
    while time.monotonic() - began < moment and _works(script):
        time.sleep(_LOOK)
    if "dvc" in victim:
        kill(running.process)  # the first of the two, or it would see its child end
    if "script" in victim:
        kill(script)
    running.wait()
    return script


def _works(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _has_checkpoint(copy: Copy) -> bool:
    """Say whether a killed training had a checkpoint, in its place or just out of it."""
    folder = copy.tree / ".work" / "checkpoints"
    return any(any(folder.glob(f"{name}/state.safetensors")) for name in ("[!.]*", ".former-*"))


def _repeat(copy: Copy, stage: str, orphan: psutil.Process | None) -> Done:
    """Run the stage again at once; if it is told to wait for the orphan, wait and run it again."""
    done = _run_beside(copy, stage, orphan)
    if orphan and done.code:
        check_refusal(done, stage, "another run is still going")
        orphan.wait(LIMIT)
        done = copy.repro("--single-item", stage)
    check_well(done)
    return done


def _run_beside(copy: Copy, stage: str, orphan: psutil.Process | None) -> Done:
    """Run the stage, and see that its script and the orphan do not work at the same time."""
    running, looks = copy.start_repro("--single-item", stage), []
    lock = str(copy.tree / ".work" / f"{stage}.lock")

    def look() -> None:
        script = running.script(stage)
        looks.append(bool(orphan and script and _has(orphan, lock) and _has(script, lock)))

    done = running.wait(look)
    # Whoever is refused has the file open, too, but for an instant: never in two looks.
    if any(one and other for one, other in pairwise(looks)):
        raise Lost("two runs of the script at a time")
    return done


def _has(process: psutil.Process, path: str) -> bool:
    try:
        return any(file.path == path for file in process.open_files())
    except psutil.NoSuchProcess:
        return False


def _again(bench: Bench, copy: Copy) -> None:
    copy.fill(bench.reference.tree)
    done = copy.repro("--force", "--single-item", "train_sr")
    check_well(done)
    if "going on" in done.output:
        raise Lost("did not begin at step 0")
    copy.check_ending(bench.expected)
