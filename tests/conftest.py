"""What several test files share: the repository, and a finished run of the pipeline."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
import torch

import demo

hypothesis.settings.register_profile("same-again", deadline=None, derandomize=True)
hypothesis.settings.load_profile("same-again")

ROOT = Path(__file__).parents[1]
TINY = {
    "download_mnist": {"source": "bundled"},
    "download_bsds": {"source": "bundled"},
    "train_cnn": {"steps": 30, "log_every": 10, "snapshots": 3},
    "evaluate_cnn": {"max_shift": 2},
    "render_tsne": {"iterations": 250},
    "make_patches": {"stride": 64},
    "train_sr": {
        "channels": 4,
        "blocks": 1,
        "steps": 20,
        "batch_size": 4,
        "warmup_steps": 5,
        "validate_every": 5,
    },
    "evaluate_sr": {"gallery_images": 2},
}


@pytest.fixture(autouse=True)
def seed():
    """Draw the same random weights and images in every run: torch seeds itself at random."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory) -> Path:
    """Give a copy of the working tree in which all stages ran, tiny, on bundled data.

    Tests may look, and change what they put back.
    """
    copy = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        demo.prepare_copy(copy, TINY)
    done = run(copy, "-m", "dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a Python program in a folder, as a user would in the environment of the tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
