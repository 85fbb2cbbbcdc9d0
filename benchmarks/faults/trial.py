"""What all trials share: a finished run to copy, commands run in a copy, what must be so after."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from random import Random
from typing import NamedTuple

import psutil
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from tqdm import tqdm
from voluptuous import Invalid

import demo
from convlab.errors import InputError
from convlab.files import remove
from convlab.params import read_yaml

ROOT = Path(__file__).parents[2]
STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
TINY = read_yaml(ROOT / "tests" / "params.tiny.yaml")
LIMIT = 600  # seconds: none of the commands may take longer
MEMORY_LIMIT = 1.5e9  # bytes
_LOOK = 0.02  # seconds from look to look at a running command
_NOWHERE = "http://127.0.0.1:9"  # the discard port: no web server, nor a way to one
_OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), _NOWHERE)
_OFFLINE |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1")


class Lost(Exception):  # noqa: N818 (no error of a program)
    """A trial is lost: what was seen that must not be."""


class Ending(NamedTuple):
    """What a run leaves: the lock file, and the sha256 of every output's files by path."""

    lock: bytes
    outputs: dict[str, str]

    def of(self, stage: str) -> dict[str, str]:
        """Give the outputs of one stage alone."""
        return {
            name: digest
            for name, digest in self.outputs.items()
            if any(Path(name).is_relative_to(out) for out in outs(stage))
        }


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    output: str
    """All that it said, less `errors`."""
    errors: str
    """What the stage's script said on standard error."""
    memory: int
    """Bytes in memory at the highest, of the command itself."""


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    popen: subprocess.Popen
    process: psutil.Process
    log: Path
    errors: Path

    def wait(self, look: Callable[[], None] = lambda: None) -> Done:
        """Wait for the end, looking at something again and again meanwhile.

        Raises
        ------
        Lost
            If it does not end in time; then it is killed.
        """
        began, memory = time.monotonic(), 0
        while self.popen.poll() is None:
            look()
            with suppress(psutil.NoSuchProcess):
                memory = max(memory, self.process.memory_info().rss)
            if time.monotonic() - began > LIMIT:
                self.kill()
                raise Lost(f"no end within {LIMIT} s")
            time.sleep(_LOOK)
        texts = (path.read_text(errors="replace") for path in (self.log, self.errors))
        return Done(self.popen.returncode, *texts, memory)

    def script(self, stage: str) -> psutil.Process | None:
        """Give the process of a stage's script below this command, if there is one."""
        try:
            children = self.process.children(recursive=True)
        except psutil.NoSuchProcess:
            return None
        return next((child for child in children if _argument(child) == f"src/{stage}.py"), None)

    def await_script(self, stage: str) -> psutil.Process:
        """Wait until the stage's script has started; give its process."""
        while not (script := self.script(stage)):
            if self.popen.poll() is not None:
                check_well(self.wait())
                raise Lost("the script did not start")
            time.sleep(_LOOK)
        return script

    def kill(self) -> None:
        """Kill it with all that it started."""
        with suppress(psutil.NoSuchProcess):
            for process in [*self.process.children(recursive=True), self.process]:
                kill(process)


def kill(process: psutil.Process) -> None:
    """Kill a process, if it has not ended."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _argument(process: psutil.Process) -> str | None:
    try:
        return process.cmdline()[-1]
    except (psutil.NoSuchProcess, psutil.ZombieProcess, IndexError):
        return None


class Copy:
    """A copy of the pipeline in which a trial may do its worst.

    Parameters
    ----------
    top : Path
        Gets the copy as `tree`, DVC's state of it, and a log of each command.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.tree = top / "pipeline"
        self._started = 0
        self.tree.mkdir(parents=True)
        self._bin = top / "bin"
        self._bin.mkdir()
        python = self._bin / "python"  # keeps a script's errors apart from DVC's
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" 2>>"$SCRIPT_ERRORS"\n')
        python.chmod(0o755)

    def fill(self, source: Path, *, cache: bool = True) -> None:
        """Copy another copy's tree, with or without DVC's cache."""
        ignored = {"tmp"} if cache else {"tmp", "cache"}  # of DVC

        def ignore(folder: str, names: list[str]) -> set[str]:
            return ignored.intersection(names) if Path(folder).name == ".dvc" else set()

        shutil.copytree(source, self.tree, ignore=ignore, dirs_exist_ok=True)

    def start(self, *command: str, **variables: str) -> Running:
        """Start a command, with DVC's state by itself and the world beyond this machine cut off."""
        self._started += 1
        log, errors = (self.top / f"{self._started}.{kind}" for kind in ("log", "errors"))
        errors.touch()
        environment = os.environ | _OFFLINE | {"CONVLAB_MIRROR": ""}
        environment |= {
            f"DVC_{place}_DIR": str(self.top / "dvc")
            for place in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")
        }
        environment["PATH"] = os.pathsep.join([str(self._bin), os.environ["PATH"]])
        environment["SCRIPT_ERRORS"] = str(errors)
        with log.open("w") as file:
            print("$", *command, file=file, flush=True)
            popen = subprocess.Popen(
                command, cwd=self.tree, env=environment | variables, stdout=file, stderr=file
            )
        return Running(popen, psutil.Process(popen.pid), log, errors)

    def script(self, name: str, **variables: str) -> Done:
        """Run one of the scripts in src/ to its end."""
        return self.start("python", f"src/{name}.py", **variables).wait()

    def repro(self, *arguments: str, **variables: str) -> Done:
        """Run `dvc repro` to its end."""
        return self.start_repro(*arguments, **variables).wait()

    def start_repro(self, *arguments: str, **variables: str) -> Running:
        """Start `dvc repro`."""
        return self.start(sys.executable, "-m", "dvc", "repro", *arguments, **variables)

    def ending(self) -> Ending:
        """Read what the runs here have left."""
        return Ending((self.tree / "dvc.lock").read_bytes(), self.outputs(*STAGES))

    def outputs(self, *stages: str) -> dict[str, str]:
        """Give the sha256 of every file that some stages left, by its path."""
        return {name: _digest(self.tree / name) for name in self.files(*stages)}

    def files(self, *stages: str) -> list[str]:
        """List the files that some stages left."""
        found = chain.from_iterable(
            [path] if path.is_file() else path.rglob("*")
            for stage in stages
            for path in (self.tree / out for out in outs(stage))
        )
        return sorted(str(path.relative_to(self.tree)) for path in found if path.is_file())

    def forget(self, stage: str, former: str) -> None:
        """Make a stage's run forgotten: its former outputs 'removed', 'left' or 'changed'."""
        lock = self.tree / "dvc.lock"
        content = read_yaml(lock)
        content["stages"].pop(stage, None)
        lock.write_text(yaml.safe_dump(content, sort_keys=False))
        self._committed = lock.read_bytes()
        if former == "changed":
            for name in self.files(stage):
                with (self.tree / name).open("ab") as file:
                    file.write(b"?")
        if former == "removed":
            for out in outs(stage):
                remove(self.tree / out)

    def mend_dvc(self) -> None:
        """Do what the README says where DVC's own note or lock file was cut short."""
        note = self.tree / ".dvc" / "tmp" / "rwlock"
        try:
            json.loads(note.read_bytes() if note.exists() else b"{}")
        except ValueError:
            note.unlink()
            tqdm.write(f"{self.top.name}: DVC's rwlock was cut short: removed, as the README says")
        lock = self.tree / "dvc.lock"
        try:
            COMPILED_LOCKFILE_SCHEMA(read_yaml(lock))
        except (InputError, Invalid):
            lock.write_bytes(self._committed)
            tqdm.write(f"{self.top.name}: dvc.lock was cut short: checked out, as the README says")

    def check_drafts(self) -> None:
        """See that no half-written output lies about."""
        self._check_none(*self.tree.rglob(".draft-*"), *self.tree.rglob(".former-*"))

    def check_tidy(self) -> None:
        """See that nothing lies about: no half-written output, no checkpoint, no download."""
        self.check_drafts()
        files = (path for path in (self.tree / ".work").rglob("*") if path.is_file())
        own = (path for path in files if ".damaged" not in str(path))  # set aside to be looked at
        self._check_none(*(path for path in own if path.suffix not in (".lock", ".pid")))

    def _check_none(self, *paths: Path) -> None:
        if paths:
            raise Lost(f"left {', '.join(str(path.relative_to(self.tree)) for path in paths)}")

    def check_ending(self, expected: Ending) -> None:
        """See that the runs here have left what they should, and nothing else."""
        self.check_tidy()
        check_outputs(self.outputs(*STAGES), expected.outputs)
        if self.ending().lock != expected.lock:
            raise Lost("dvc.lock is not the reference's")


class Bench:
    """Where the trials take place.

    Parameters
    ----------
    top : Path
        An empty folder.
    seed : int
    trials : int
        How often each stage is killed.
    """

    def __init__(self, top: Path, seed: int, trials: int) -> None:
        self.top = top
        self.seed = seed
        self.trials = trials
        self._made: Counter[str] = Counter()

    def copy(self, name: str) -> Copy:
        """Make an empty copy with a folder of its own."""
        self._made[name] += 1
        return Copy(self.top / re.sub(r"\W+", "-", f"{name} {self._made[name]}"))

    def random(self, case: str, number: int) -> Random:
        """Give a trial's own source of chance."""
        return Random(f"{self.seed} {case} {number}")  # noqa: S311 (nothing secret)

    @cached_property
    def reference(self) -> Copy:
        """A copy in which the whole tiny pipeline ran, undisturbed."""
        copy = self.copy("reference")
        prepare(copy, TINY)
        check_well(copy.repro())
        copy.check_tidy()
        return copy

    @cached_property
    def expected(self) -> Ending:
        """What that run left."""
        return self.reference.ending()


@dataclass(frozen=True)
class Trial:
    """One attempt to break the pipeline."""

    case: str
    """Row of the table."""
    done: str
    """What is done to it, so that it can be done again."""
    body: Callable[[Copy], None]
    """Does it, in an empty copy; raises Lost."""


def prepare(copy: Copy, changes: dict) -> None:
    """Fill a copy with the checkout's working tree, some parameters changed."""
    with chdir(ROOT):
        demo.prepare_copy(copy.tree, changes)


def outs(stage: str) -> Iterator[str]:
    """Give the files and folders that dvc.yaml says a stage leaves."""
    for out in chain(STAGES[stage]["outs"], STAGES[stage].get("metrics", [])):
        yield from [out] if isinstance(out, str) else out


def readers(name: str) -> list[str]:
    """Give the stages that dvc.yaml says read a file."""
    return [
        stage
        for stage, entry in STAGES.items()
        if any(Path(name).is_relative_to(dep) for dep in entry["deps"])
    ]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_well(done: Done) -> None:
    """See that a command ended well."""
    if done.code:
        said = (done.errors or done.output).strip().splitlines()[-3:]
        raise Lost(f"exit status {done.code}: {' / '.join(said)}")


def check_refusal(done: Done, script: str, *parts: str) -> None:
    """See that a script ended with one line that says what it should, and no traceback."""
    lines = done.errors.splitlines()
    if not done.code:
        raise Lost("ended well")
    if len(lines) != 1 or not lines[0].startswith(f"{script}: "):
        said = " / ".join(lines[-2:] or done.output.splitlines()[-2:])
        raise Lost(f"exit status {done.code} with {len(lines)} lines: {said}")
    if absent := [part for part in parts if part not in lines[0]]:
        raise Lost(f"does not say {', '.join(map(repr, absent))}: {lines[0]}")


def check_modest(done: Done) -> None:
    """See that a command was content with little memory."""
    if done.memory > MEMORY_LIMIT:
        raise Lost(f"took {done.memory / 1e9:.1f} GB of memory")


def check_outputs(found: dict[str, str], expected: dict[str, str]) -> None:
    """See that the same files lie there, with the same content."""
    names = sorted(dict(found.items() ^ expected.items()))
    if names:
        raise Lost(f"not as they should be: {', '.join(names[:3])} ({len(names)} in all)")
