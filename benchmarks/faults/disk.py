"""Let the disk fill up while a stage writes; then make room, and run it again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from convlab.errors import InputError
from demo import lay_over
from faults.network import PLACES, published, serving
from faults.trial import (
    STAGES,
    Bench,
    Copy,
    Ending,
    Lost,
    Trial,
    check_outputs,
    check_refusal,
    check_well,
)

TRIALS = 4  # of each stage
_ROOMY = 2**32  # bytes
_INSIDE = "FAULTS_NAMESPACE"


def enter_namespace() -> None:
    """Begin anew where this process may mount and nobody else sees it, if that can be had."""
    options = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    if _INSIDE in os.environ or not shutil.which("unshare"):
        return
    if not subprocess.call(["unshare", *options, "true"], stderr=subprocess.DEVNULL):
        os.environ[_INSIDE] = "yes"
        os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])  # noqa: S606


def trials(bench: Bench) -> list[Trial]:
    """Fill the disk under every stage, and under downloads where there is something to serve."""
    if _INSIDE not in os.environ:
        raise InputError("it needs root or user namespaces, to mount a small file system")
    listed = [trial for stage in STAGES for trial in _of_stage(bench, stage, {})]
    try:
        for stage in PLACES:
            listed += _of_stage(bench, stage, published(stage))
    except InputError as error:
        print(f"disk: downloads are left out: {error}", file=sys.stderr)
    return listed


def _of_stage(bench: Bench, stage: str, served: dict[str, bytes]) -> list[Trial]:
    """Fill the disk under one stage, which downloads if something is served."""
    case = f"disk {stage}{' by http' * bool(served)}"

    def repro(copy: Copy, **options):
        with serving(served, iter(())) as url:
            mirror = url if served else ""
            running = copy.start_repro("--single-item", stage, CONVLAB_MIRROR=mirror)
            return running.wait(**options)

    def fill(copy: Copy) -> None:
        copy.fill(bench.reference.tree, cache=False)  # which would have the outputs already
        copy.forget(stage, "changed")
        if served:
            lay_over(copy.tree / "params.yaml", {stage: {"source": "published"}})

    @cache
    def undisturbed() -> tuple[int, Ending]:
        copy, used = bench.copy(f"undisturbed-{stage}"), []
        with _small_disk(copy):
            fill(copy)
            before = _used(copy)
            check_well(repro(copy, look=lambda: used.append(_used(copy))))
            copy.check_tidy()
            return max(*used, _used(copy)) - before, copy.ending()

    def trial(number: int) -> Trial:
        fraction = bench.random(case, number).uniform(0, 0.95)

        def body(copy: Copy) -> None:
            needed, expected = undisturbed()
            with _small_disk(copy):
                fill(copy)
                former = copy.outputs(stage)
                _resize(copy, _used(copy) + int(fraction * needed))
                _check_full(repro(copy), copy, stage, former, expected)
                _resize(copy, _ROOMY)
                copy.mend_dvc()
                check_well(repro(copy))
                copy.check_ending(expected)

        return Trial(case, f"room for {fraction:.3f} of what it writes", body)

    return [trial(number) for number in range(TRIALS)]


def _check_full(done, copy: Copy, stage: str, former: dict[str, str], expected: Ending) -> None:
    """See that the stage, or DVC after it, said that the disk is full, and left no half output."""
    copy.check_drafts()
    if done.errors:
        check_refusal(done, stage, "disk is full")
    elif "No space left" not in done.output:
        raise Lost(f"neither the script nor DVC says why: {done.output}")
    new = expected.of(stage)
    if not done.code:  # DVC had no room for its copy of the outputs, and thinks nothing of it
        check_outputs(copy.outputs(stage), new)
    elif done.errors or copy.outputs(stage) != new:
        check_outputs(copy.outputs(stage), former)


@contextmanager
def _small_disk(copy: Copy) -> Iterator[None]:
    """Mount a file system in memory on the copy's tree; what a lost trial has there is kept."""
    place = str(copy.tree)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_ROOMY}", "tmpfs", place], check=True)
    try:
        yield
    except BaseException:
        shutil.copytree(place, copy.top / "kept", symlinks=True)
        raise
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _resize(copy: Copy, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(copy.tree)], check=True)


def _used(copy: Copy) -> int:
    usage = os.statvfs(copy.tree)
    return (usage.f_blocks - usage.f_bfree) * usage.f_frsize
