"""Copies of the pipeline in which a trial may break things, and checks for afterwards."""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import chdir, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from convlab.core.outputs import remove
from convlab.core.params import read_yaml
from tools.demo import prepare_copy

ROOT = Path(__file__).parents[2]
DVC = (sys.executable, "-m", "dvc")
TIME_LIMIT = 1800
"""Seconds that one command may take."""
POLL_INTERVAL = 0.005
"""Seconds between two checks of a process."""


class Failure(Exception):  # noqa: N818 (not an error of a program)
    """A trial failed; the message says what was wrong."""


class Running(NamedTuple):
    """A command that was started."""

    process: psutil.Popen
    log: Path
    """File with everything that the command prints."""

    def wait(self) -> tuple[int, str]:
        """Wait for the end; give the exit status and what was printed."""
        status = self.process.wait(TIME_LIMIT)
        return status, self.log.read_text(encoding="utf-8", errors="replace")

    def await_script(self, stage: str) -> psutil.Process:
        """Wait until `dvc repro` has started a stage's script; give the script's process."""
        script = f"src/{stage.partition('@')[0]}.py"
        while self.process.poll() is None:
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                for child in self.process.children(recursive=True):
                    if script in child.cmdline():
                        return child
            time.sleep(POLL_INTERVAL)
        raise Failure(f"{script} did not start: {last_lines(self.wait()[1])}")


class Workspace:
    """A folder with a copy of the pipeline, in `tree`; DVC's settings and state are its own.

    Parameters
    ----------
    folder : Path
        Is made; also gets a log of every command.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "pipeline"
        self.tree.mkdir(parents=True)
        python = Path(sys.executable).parent  # what the stages call `python`
        own = ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR")
        self.environment = os.environ | dict.fromkeys(own, str(folder / "dvc"))
        self.environment["PATH"] = os.pathsep.join([str(python), os.environ["PATH"]])
        self.environment["PYTHONPATH"] = str(self.tree / "src")

    def fill(self, source: "Workspace") -> None:
        """Copy another workspace's tree, with DVC's cache, without DVC's temporary files."""
        shutil.copytree(source.tree, self.tree, symlinks=True, dirs_exist_ok=True)
        remove(self.tree / ".dvc" / "tmp")

    def start(self, *command: str) -> Running:
        """Start a command in the tree."""
        log = self.folder / f"{len(list(self.folder.glob('*.log'))) + 1}.log"
        with log.open("w", encoding="utf-8") as file:
            print("$", *command, file=file, flush=True)
            where = {"cwd": self.tree, "env": self.environment, "stdout": file, "stderr": file}
            return Running(psutil.Popen(command, **where), log)

    def run(self, *command: str) -> str:
        """Run a command that must succeed; give what it prints."""
        status, text = self.start(*command).wait()
        if status:
            raise Failure(f"`{' '.join(command)}`, exit status {status}: {last_lines(text)}")
        return text

    def digests(self, *outs: str) -> dict[str, str]:
        """Give the sha256 of every file of some outputs, by its path."""
        return {
            str(path.relative_to(self.tree)): hashlib.sha256(path.read_bytes()).hexdigest()
            for out in outs
            for path in (self.tree / out, *(self.tree / out).rglob("*"))
            if path.is_file()
        }

    def checkpoints(self) -> list[Path]:
        """List the checkpoints of interrupted trainings."""
        return list((self.tree / ".work" / "checkpoints").glob("[!.]*.safetensors"))

    def repair_dvc(self, reference: "Reference") -> None:
        """Replace two files that an interrupted DVC may leave truncated, as a user would."""
        remove(self.tree / ".dvc" / "tmp" / "rwlock")
        (self.tree / "dvc.lock").write_bytes(reference.lock)

    def check_complete_or_absent(self, reference: "Reference", stage: str) -> None:
        """Check that nothing half-written has the name of an output."""
        for out in reference.outs[stage]:
            if (self.tree / out).exists():
                self.check_outputs(reference, out)

    def check_outputs(self, reference: "Reference", *outs: str) -> None:
        """Check that some outputs equal those of the reference."""
        found, expected = self.digests(*outs), reference.digests(*outs)
        if names := sorted({name for name, _ in found.items() ^ expected.items()}):
            raise Failure(f"not as expected: {', '.join(names[:3])} ({len(names)} in all)")

    def check_nothing_left(self, *patterns: str) -> None:
        """Check that no file is left, such as half-written outputs and checkpoints."""
        for pattern in (".draft-*", ".former-*", *patterns):
            for path in self.tree.rglob(pattern):
                raise Failure(f"left {path.relative_to(self.tree)}")

    def check_same(self, reference: "Reference") -> None:
        """Check that all outputs and dvc.lock equal the reference, and that DVC agrees."""
        self.check_outputs(reference, *(out for outs in reference.outs.values() for out in outs))
        if (self.tree / "dvc.lock").read_bytes() != reference.lock:
            raise Failure("dvc.lock differs from the undisturbed run's")
        if "up to date" not in (status := self.run(*DVC, "status", *reference.outs)):
            raise Failure(f"`dvc status` says: {last_lines(status)}")


class Reference(Workspace):
    """A workspace in which stages (all, if none is named) ran undisturbed, one after the other.

    `changes` are laid over params.yaml; `data` are folders of the checkout that the stages read.
    """

    def __init__(
        self, folder: Path, changes: dict, stages: Iterable[str] = (), data: Iterable[str] = ()
    ) -> None:
        super().__init__(folder)
        with chdir(ROOT):
            prepare_copy(self.tree, changes)
        for path in data:
            shutil.copytree(ROOT / path, self.tree / path)
        names = self.run(*DVC, "stage", "list", "--name-only").splitlines()[1:]
        self.seconds = {stage: self._run_stage(stage) for stage in stages or names}
        self.lock = (self.tree / "dvc.lock").read_bytes()
        recorded = read_yaml(self.tree / "dvc.lock")["stages"]
        self.outs = {name: [out["path"] for out in recorded[name]["outs"]] for name in recorded}
        self._digests = {
            out: super(Reference, self).digests(out) for outs in self.outs.values() for out in outs
        }

    def _run_stage(self, stage: str) -> float:
        """Run a stage; give the seconds that its script took."""
        running = self.start(*DVC, "repro", "--single-item", stage)
        script, began = running.await_script(stage), time.monotonic()
        script.wait(TIME_LIMIT)
        seconds = time.monotonic() - began
        status, text = running.wait()
        if status:
            raise Failure(f"{stage} fails undisturbed: {last_lines(text)}")
        return seconds

    def digests(self, *outs: str) -> dict[str, str]:
        """Give the sha256 of every file of some outputs, by its path; computed once."""
        return {path: digest for out in outs for path, digest in self._digests[out].items()}


def kill(process: psutil.Process) -> None:
    """Kill a process, if it has not ended."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def await_end(process: psutil.Process, seconds: float = TIME_LIMIT) -> None:
    """Wait until a process has ended, or for so many seconds."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and process.is_running():
        if process.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(POLL_INTERVAL)


def last_lines(text: str) -> str:
    """Give the end of what a command printed, in one line."""
    return " / ".join(text.strip().splitlines()[-3:])
