"""The trials: stages are killed, the disk is full, bits of outputs flip."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import psutil

from convlab.core.outputs import remove
from faults.workspace import DVC, Failure, Reference, Workspace, await_end, kill, last_lines

VICTIMS = ("script", "dvc and script", "dvc")
LARGE_DISK = 2**32
"""Bytes: more than any trial needs."""
NAMESPACE = "FAULTS_NAMESPACE"
"""Environment variable of a process whose mounts are not visible to other processes."""


class Trial(NamedTuple):
    """One attempt to break the pipeline."""

    case: str
    """Row of the table."""
    action: str
    """What is done, so that it can be done again."""
    body: Callable[[Workspace], None]
    """Runs the trial in an empty workspace; raises Failure."""


def kill_trial(
    reference: Reference, stage: str, random: Random, number: int, *, real: bool = False
) -> Trial:
    """Kill a stage at a random moment; then DVC restores its outputs, or it runs again.

    On real data, kill a training in its middle, when it has a checkpoint; then it runs again.
    """
    fraction = random.uniform(0, 0.5) if real else random.uniform(0, 1.05)
    victim, again = VICTIMS[number % (2 if real else 3)], real or number % 2 == 1

    def body(workspace: Workspace) -> None:
        workspace.fill(reference)
        running = workspace.start(*DVC, "repro", "--force", "--single-item", stage)
        script = running.await_script(stage)
        try:
            while real and not workspace.checkpoints() and script.is_running():
                await_end(script, 0.01)
            await_end(script, fraction * reference.seconds[stage])
            if "dvc" in victim:
                kill(running.process)  # before the script, or DVC would see its child end
            if "script" in victim:
                kill(script)
            running.wait()
            workspace.check_complete_or_absent(reference, stage)
            workspace.repair_dvc(reference)
            if again:
                _run_again(workspace, stage, script if victim == "dvc" else None)
            else:
                await_end(script)
                _restore(workspace, reference, stage)
        finally:
            kill(script)
        workspace.check_same(reference)

    afterwards = "run again" if again else "restored"
    after = "after its first checkpoint" if real else "after its start"
    action = f"{victim} killed {fraction:.3f} of the script's time {after}, then {afterwards}"
    return Trial(f"kill{'-real' * real} {stage}", action, body)


def _restore(workspace: Workspace, reference: Reference, stage: str) -> None:
    """Let `dvc checkout` restore outputs, and `dvc repro` the metrics; no script may run."""
    workspace.run(*DVC, "checkout")
    outs = [out for out in reference.outs[stage] if not out.startswith("metrics/")]
    workspace.check_outputs(reference, *outs)
    if "Running stage" in workspace.run(*DVC, "repro", "--single-item", stage):
        raise Failure("the stage ran again, though DVC's cache has its outputs")


def _run_again(workspace: Workspace, stage: str, orphan: psutil.Process | None) -> None:
    """Run the stage again at once; if the orphaned script still runs, wait for its end."""
    command = (*DVC, "repro", "--force", "--single-item", stage)
    resumable = not orphan and workspace.checkpoints()
    status, text = workspace.start(*command).wait()
    if status and orphan and "another run is still going" in text:
        await_end(orphan)
        text = workspace.run(*command)
    elif status:
        raise Failure(f"cannot be run again: {last_lines(text)}")
    if resumable and "resumed at step" not in text:
        raise Failure("was not resumed from its checkpoint")
    workspace.check_nothing_left("checkpoints/*")


def damage_trial(reference: Reference, stage: str, random: Random, _: int) -> Trial:
    """Flip a bit of an output so that DVC does not see it: `verify` must find it."""
    out = random.choice(reference.outs[stage])
    name, position = random.choice([*reference.digests(out)]), random.random()

    def body(workspace: Workspace) -> None:
        workspace.fill(reference)
        remove(workspace.tree / ".dvc" / "config.local")  # it says that there is no git
        author = ("-c", "user.name=A. Student", "-c", "user.email=student@example.org")
        for command in (["init"], ["add", "."], [*author, "commit", "--message=Run"]):
            workspace.run("git", *command)
        workspace.run(*DVC, "status")  # DVC remembers size and time of every file
        _flip_bit(workspace.tree / name, position)
        if "up to date" not in workspace.run(*DVC, "status"):
            raise Failure("DVC saw the damage: the trial says nothing about `verify`")
        verify = (sys.executable, "-m", "tools.verify")
        status, text = workspace.start(*verify).wait()
        if not status or out not in text:
            raise Failure(f"`verify` does not find it (exit status {status}): {last_lines(text)}")
        remove(workspace.tree / out)
        workspace.run(*DVC, "checkout")
        workspace.run("git", "checkout", "metrics")
        workspace.run(*verify)
        workspace.check_same(reference)

    return Trial(f"damage {stage}", f"a bit of {name} flipped at {position:.5f} of it", body)


def _flip_bit(path: Path, position: float) -> None:
    """Flip a bit in place, without changing size, time and inode, by which DVC knows a file."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    place = int(position * len(content))
    content[place] ^= 1 << place % 8
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def disk_trial(reference: Reference, stage: str, random: Random, _: int) -> Trial:
    """Let the disk be full before a stage has written its outputs; then free space."""
    fraction = random.uniform(0, 0.95)

    def body(workspace: Workspace) -> None:
        with _small_disk(workspace) as resize:
            workspace.fill(reference)
            used = shutil.disk_usage(workspace.tree).used
            for out in reference.outs[stage]:
                remove(workspace.tree / out)  # as DVC will do
            without = shutil.disk_usage(workspace.tree).used
            resize(without + int(fraction * (used - without)))
            command = (*DVC, "repro", "--force", "--single-item", stage)
            status, text = workspace.start(*command).wait()
            if status and "disk is full" not in text and "No space left" not in text:
                raise Failure(f"does not say that the disk is full: {last_lines(text)}")
            workspace.check_complete_or_absent(reference, stage)
            workspace.check_nothing_left()
            resize(LARGE_DISK)
            workspace.repair_dvc(reference)
            _restore(workspace, reference, stage)
            workspace.run(*command)
            workspace.check_same(reference)

    return Trial(f"disk {stage}", f"room for {fraction:.3f} of the outputs", body)


@contextmanager
def _small_disk(workspace: Workspace) -> Iterator[Callable[[int], None]]:
    """Mount a file system in memory on the tree; yield a function that sets its size in bytes."""
    place = str(workspace.tree)

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)

    mount(f"size={LARGE_DISK}")
    try:
        yield lambda size: mount(f"remount,size={size}")
    except BaseException:
        shutil.copytree(place, workspace.folder / "kept", symlinks=True)  # to be looked at
        raise
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def enter_namespace() -> bool:
    """Start this program again with its own mounts; False if that is not possible."""
    if NAMESPACE in os.environ:
        return True
    options = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    unshare = ["unshare", *options]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        return False
    os.environ[NAMESPACE] = "yes"
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv])  # noqa: S606
