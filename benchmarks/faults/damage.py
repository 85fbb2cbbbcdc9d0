"""Flip a bit of an intermediate result: where DVC sees it, and where only the readers can."""

import os
import sys
from functools import cache, partial
from pathlib import Path

from convlab.files import remove
from faults.trial import (
    STAGES,
    Bench,
    Copy,
    Lost,
    Trial,
    check_outputs,
    check_refusal,
    check_well,
    outs,
    readers,
)

TRIALS = 5  # of each kind and way
LISTS = "lists of checksums"
KINDS = {  # which of the stages' files, by the first pattern that fits
    LISTS: "SHA256SUMS",
    "photographs": "data/raw/bsds500/*/*",
    "digits": "data/raw/mnist/*",
    "patches": "data/patches/*/*.npy",
    "validation pictures": "data/patches/*/*/*/*.png",
    "snapshots": "stages/*/snapshots.*",
    "networks": "stages/*/*.safetensors",
    "curves": "stages/*/curve.csv",
    "metrics": "metrics/*.json",
    "results": "*",
}


def trials(bench: Bench) -> list[Trial]:
    """Damage each kind of file in both ways, and the checkpoints."""
    listed = []
    for kind, names in _by_kind(bench.reference).items():
        for number in range(TRIALS):
            for way, body in (("seen", _seen), ("unseen", _unseen)):
                case = f"damage {kind}, {way}"
                random = bench.random(case, number)
                name, spot = random.choice(names), random.random()
                done = f"a bit of {name} flipped after {spot:.5f} of its bytes"
                listed.append(Trial(case, done, partial(body, bench, name, spot)))
    return listed + [
        trial for stage in ("train_cnn", "train_sr") for trial in _checkpoints(bench, stage)
    ]


def _by_kind(copy: Copy) -> dict[str, list[str]]:
    """Sort the stages' files by kind; a kind without files is left out."""
    kinds = {kind: [] for kind in KINDS}
    for name in copy.files(*STAGES):
        kind = next(kind for kind, pattern in KINDS.items() if Path(name).match(pattern))
        kinds[kind].append(name)
    return {kind: names for kind, names in kinds.items() if names}


def _flip(path: Path, spot: float) -> None:
    """Flip a bit in place: the file keeps its inode, by which DVC knows it."""
    with path.open("r+b") as file:
        place = int(spot * path.stat().st_size)
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << place % 8]))


def _seen(bench: Bench, name: str, spot: float, copy: Copy) -> None:
    """Let DVC see it: it must make the file again."""
    copy.fill(bench.reference.tree)
    _flip(copy.tree / name, spot)
    check_well(copy.repro())
    copy.check_ending(bench.expected)


def _unseen(bench: Bench, name: str, spot: float, copy: Copy) -> None:
    """Hide it from DVC: a reader must name the file, or `verify`, if none reads it."""
    copy.fill(bench.reference.tree)
    _commit(copy)
    check_well(copy.repro())  # DVC remembers what it saw
    before = (copy.tree / name).stat()
    _flip(copy.tree / name, spot)
    os.utime(copy.tree / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    refused = [_refuses(bench, name, stage, copy) for stage in readers(name)]
    a_list = Path(name).match(KINDS[LISTS])
    if not any(refused) and (a_list or not refused):
        _check_verify(copy, name)
    elif not any(refused):
        raise Lost("no reader saw it")
    _bring_back(copy, name)
    check_well(copy.script("verify"))
    copy.check_ending(bench.expected)


def _bring_back(copy: Copy, name: str) -> None:
    """Do what the message says: remove file and list, and have them brought back."""
    stage = next(stage for stage in STAGES if name in copy.files(stage))
    checksums = Path(name).with_name("SHA256SUMS")
    if checksums.parts[0] == "metrics":
        checksums = Path("stages") / stage / checksums.name
    for path in (Path(name), checksums):
        remove(copy.tree / path)
    check_well(copy.start(sys.executable, "-m", "dvc", "checkout", "--allow-missing").wait())
    check_well(copy.start("git", "checkout", "metrics", "stages").wait())
    if "Running stage" in (done := copy.repro()).output:
        raise Lost("a stage ran again, though all was brought back")
    check_well(done)


def _refuses(bench: Bench, name: str, stage: str, copy: Copy) -> bool:
    """Run a stage that reads the file's folder: it refuses the file, or has no use for it."""
    done = copy.repro("--force", "--single-item", stage)
    if done.code:
        a_list = Path(name).match(KINDS[LISTS])  # it may be the listed file that seems wrong
        check_refusal(done, stage, str(Path(name).parent) if a_list else name)
        copy.check_drafts()
    check_outputs(copy.outputs(stage), bench.expected.of(stage))
    return done.code != 0


def _commit(copy: Copy) -> None:
    """Make it a git checkout in which the run is committed."""
    remove(copy.tree / ".dvc" / "config.local")  # it says that there is no git
    identity = ("-c", "user.name=A. Student", "-c", "user.email=student@example.org")
    for command in (["init"], ["add", "."], [*identity, "commit", "--message=Run the pipeline"]):
        check_well(copy.start("git", *command).wait())


def _check_verify(copy: Copy, name: str) -> None:
    done = copy.script("verify")
    if not done.code or name not in done.output + done.errors:
        raise Lost(f"verify.py, exit status {done.code}, does not name it")


def _checkpoints(bench: Bench, stage: str) -> list[Trial]:
    """Damage what a killed training leaves: the next must set it aside, and say so."""

    @cache
    def broken_off() -> Copy:
        copy = bench.copy(f"broken-off-{stage}")
        copy.fill(bench.reference.tree)
        for out in outs(stage):
            remove(copy.tree / out)
        running = copy.start_repro(stage)
        script = running.await_script(stage)
        while not _checkpoint(copy):
            if not script.is_running():
                raise Lost("the training left no checkpoint")
        running.kill()
        running.wait()
        return copy

    def trial(number: int) -> Trial:
        case = f"damage checkpoint of {stage}"
        random = bench.random(case, number)
        way, pick, spot = ("flipped", "cut off")[number % 2], random.random(), random.random()

        def body(copy: Copy) -> None:
            copy.fill(broken_off().tree)
            paths = _checkpoint(copy)
            path = paths[int(pick * len(paths))]
            if way == "flipped":
                _flip(path, spot)
            else:
                os.truncate(path, int(spot * path.stat().st_size))
            done = copy.repro(stage)
            check_well(done)
            if "set aside" not in done.output + done.errors:
                raise Lost("says nothing of a checkpoint that is set aside")
            copy.check_ending(bench.expected)

        return Trial(case, f"{way} after {spot:.5f} of a file, number {pick:.3f} of all", body)

    return [trial(number) for number in range(TRIALS)]


def _checkpoint(copy: Copy) -> list[Path]:
    """List the files of the checkpoints that are there, whole."""
    try:
        return sorted((copy.tree / ".work" / "checkpoints").glob("[!.]*/*"))
    except FileNotFoundError:  # just being replaced
        return []
