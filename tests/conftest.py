"""What several test files share: the repository, and a finished run of the pipeline."""

import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from threading import Thread

from convlab.core.checkpoint import Checkpoint  # before torch: see convlab/__init__.py

# isort: split
import hypothesis
import playwright
import pytest
import torch
from dvc.cli import main as dvc_main
from playwright.sync_api import Page

from convlab.core.compute import Compute, prepare
from convlab.core.errors import InputError
from convlab.core.params import read_yaml
from section_pages import leave
from tools import demo
from tools.render_readme import start_browser

hypothesis.settings.register_profile(
    "reproducible", deadline=None, derandomize=True, max_examples=30
)
hypothesis.settings.load_profile("reproducible")

ROOT = Path(__file__).parents[1]
NODE = Path(playwright.__file__).parent / "driver" / "node"
"""To run the page's JavaScript without a browser."""
REPORT = "stages/render_report/report.html"
TINY = read_yaml(ROOT / "tests" / "params.tiny.yaml")


def pytest_addoption(parser):
    parser.addoption(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of super-resolution training; without units for it, bfloat16 is emulated",
    )


@pytest.fixture(autouse=True)
def seed():
    """Draw the same random weights and images in every run: torch seeds itself at random."""
    torch.manual_seed(0)


@pytest.fixture
def precision(request) -> str:
    return request.config.getoption("--precision")


@pytest.fixture
def prepared():
    """Prepare torch as the scripts do, with the threads that it has."""
    prepare(Compute(launch="python", memory_gb=4, threads=torch.get_num_threads()))
    yield
    torch.use_deterministic_algorithms(False)


def pytest_collection_modifyitems(items):
    """Sort test files that wait to the end, because other tests can run while they wait.

    Some wait for the run of the pipeline, and others for the queue of experiments, which begins
    after that run.
    """
    waits = defaultdict(list)
    for item in items:
        waits[item.path].append([name in item.fixturenames for name in ("experiments", "pipeline")])
    items.sort(key=lambda item: max(waits[item.path]))


def needs_pipeline(item: pytest.Item) -> bool:
    return "pipeline" in item.fixturenames


@pytest.fixture(scope="session", autouse=True)
def running(request, nobody, tmp_path_factory) -> Iterator[Path | None]:
    """Start all stages, with tiny trainings on bundled data, in a copy of the working tree.

    If several processes run tests, the first one does this for all.
    """
    if not any(map(needs_pipeline, request.session.items)):
        yield None
        return
    folder = tmp_path_factory.getbasetemp()
    copy = (folder.parent if hasattr(request.config, "workerinput") else folder) / "pipeline"
    try:
        copy.mkdir()
    except FileExistsError:
        yield copy
        return
    TINY["train_sr"]["precision"] = request.config.getoption("--precision")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        demo.prepare_copy(copy, TINY)
    command = [sys.executable, "-m", "dvc", "repro"]
    with (
        copy.with_suffix(".log").open("w") as log,
        subprocess.Popen(command, cwd=copy, stdout=log, stderr=log) as process,
    ):
        status = copy.with_suffix(".status")
        watch = Thread(target=lambda: status.write_text(str(process.wait())), daemon=True)
        watch.start()
        yield copy
        if request.session.shouldfail:
            process.terminate()


@pytest.fixture(scope="session")
def pipeline(running) -> Path:
    """Give the copy in which all stages ran; tests must not change it."""
    status = running.with_suffix(".status")
    until(lambda: status.exists() and status.read_text(), seconds=600)
    assert status.read_text() == "0", running.with_suffix(".log").read_text()
    return running


def until(condition: Callable[[], object], *, seconds: float = 120, every: float = 0.2) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(every)


@pytest.fixture(scope="session", autouse=True)
def nobody(tmp_path_factory) -> Iterator[None]:
    """Let git and DVC neither see the user's settings nor write into the user's folders.

    What DVC runs as `python` is the one that runs the tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        for place in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG"):
            patch.setenv(f"DVC_{place}_DIR", str(tmp_path_factory.mktemp(place.lower())))
        for person in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{person}_NAME", "A. Student")
            patch.setenv(f"GIT_{person}_EMAIL", "student@example.org")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def checkout(pipeline, tmp_path_factory) -> Path:
    """Give a git repository in which that run is committed, with DVC's cache.

    Each test file gets its own.
    """
    return commit_run(pipeline, tmp_path_factory.mktemp("checkout"))


def commit_run(pipeline: Path, folder: Path) -> Path:
    """Copy a finished run into a folder and commit it there."""
    shutil.copytree(pipeline, folder, dirs_exist_ok=True)
    (folder / ".dvc" / "config.local").unlink()  # it says that there is no git
    shutil.rmtree(folder / ".dvc" / "tmp")
    git(folder, "init", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--message=Run the pipeline")
    return folder


class InterruptedCheckpoint(Checkpoint):
    """A checkpoint whose training is interrupted when the state after some step is saved."""

    def __init__(self, path: Path, fingerprint: str, *, after: int) -> None:
        super().__init__(path, fingerprint)
        self.after = after

    def save(self, state):
        super().save(state)
        if state["step"] == self.after:
            raise KeyboardInterrupt


def run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a Python program in a folder, as a user would in the environment of the tests."""
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False
    )


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """Let the system refuse to make any file larger than so many bytes, as a full disk would."""
    resource = pytest.importorskip("resource", reason="needs the limits of a POSIX system")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def git(folder: Path, *command: str) -> str:
    """Run git in a folder, see that it ends well, and give what it prints."""
    return subprocess.run(
        ["git", *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def dvc(folder: Path, *command: str) -> str:
    """Run DVC in a folder, see that it ends well, and give what it prints."""
    done = run(folder, "-m", "dvc", *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc_inside(folder: Path, *command: str) -> None:
    """Run DVC in a folder and see that it ends well, in this process, which spares a start-up."""
    with chdir(folder):
        assert dvc_main(list(command)) == 0


@pytest.fixture(scope="session")
def browser():
    """Start Chromium; if there is none, CI fails and elsewhere these tests are skipped."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(start_browser())
        except InputError as missing:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))
        yield started


@pytest.fixture
def open_report(browser, pipeline, tmp_path):
    """Give a function that opens the report; at the end, the browser must have logged nothing.

    With `only`, the name of a module, the page has no other scripts, and opens sooner.
    """
    with ExitStack() as opened:
        logged, addresses = [], []

        def open_it(only: str = "", **options) -> Page:
            file = pipeline / REPORT
            if only:
                text = file.read_text("utf-8")
                file = tmp_path / f"{only}.html"
                file.write_text(leave(text, only), "utf-8")
            addresses.append(file.as_uri())
            page = opened.enter_context(browser.new_context(**options)).new_page()
            page.on("console", lambda message: logged.append(message.text))
            page.on("pageerror", lambda error: logged.append(str(error)))
            page.on("request", lambda request: logged.append(request.url))
            page.goto(addresses[-1])
            if options.get("java_script_enabled", True):
                page.wait_for_selector("html[data-ready=yes]")
            return page

        yield open_it
    assert [each for each in logged if not each.startswith(("data:", "blob:", *addresses))] == []


@pytest.fixture
def report(open_report):
    return open_report(viewport={"width": 1440, "height": 900})
