"""The two download stages as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from http_server import Answer, serving

ROOT = Path(__file__).parents[1]
STAGES = {"download_mnist": "data/raw/mnist", "download_bsds": "data/raw/bsds500"}
NOWHERE = "http://127.0.0.1:9"  # the discard port: no web server, nor a way to one


def run(stage: str, folder: Path, *, mirror: str = "") -> subprocess.CompletedProcess:
    """Run a stage's script in a folder, cut off from the network beyond this machine."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    return subprocess.run(
        [sys.executable, ROOT / "src" / f"{stage}.py"],
        cwd=folder,
        env={**os.environ, **proxies, "NO_PROXY": "127.0.0.1", "CONVLAB_MIRROR": mirror},
        capture_output=True,
        check=False,
        text=True,
    )


def parameters(folder: Path, stage: str, source: str) -> None:
    (folder / "params.yaml").write_text(f"{stage}:\n  source: {source}\n")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stage", STAGES)
def test_bundled_data_replace_the_former_output(tmp_path: Path, stage: str) -> None:
    out = tmp_path / STAGES[stage]
    out.mkdir(parents=True)
    (out / "former").touch()
    parameters(tmp_path, stage, "bundled")
    done = run(stage, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "former" not in files(out)
    assert len(files(out)) >= 4
    assert files(tmp_path / ".work") == {f"{stage}.lock", f"{stage}.pid"}


def test_without_a_mirror_one_line_says_what_to_do(tmp_path: Path) -> None:
    stage = "download_mnist"
    out = tmp_path / STAGES[stage]
    out.mkdir(parents=True)
    (out / "former").write_text("kept")
    parameters(tmp_path, stage, "published")
    done = run(stage, tmp_path, mirror="nowhere")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    for part in (f"{stage}: ", str(tmp_path / "nowhere"), "CONVLAB_MIRROR", "make demo", "https:"):
        assert part in line
    assert files(tmp_path / "data") == {f"{STAGES[stage].removeprefix('data/')}/former"}


def test_a_wrong_source_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    parameters(tmp_path, "download_mnist", "elsewhere")
    done = run("download_mnist", tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "download_mnist.source = 'elsewhere'" in line
    assert not (tmp_path / "data").exists()


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    parameters(tmp_path, "download_bsds", "bundled")
    done = run("download_bsds", tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "data" in line


def test_what_came_of_a_broken_off_file_is_kept_outside_the_output(tmp_path: Path) -> None:
    parameters(tmp_path, "download_bsds", "published")
    broken = [Answer(bytes(500_000), sent=250_000), Answer(bytes(500_000), sent=0, ranges=True)]
    with serving({"/bsds500/BSR_bsds500.tgz": broken}) as server:
        done = run("download_bsds", tmp_path, mirror=server.url)
    assert done.returncode == 1
    assert f"{server.url}/bsds500/BSR_bsds500.tgz: broke off" in done.stderr
    (kept,) = (tmp_path / ".work" / "downloads" / "bsds500").iterdir()
    assert 0 < kept.stat().st_size <= 250_000
    assert not list((tmp_path / "data" / "raw").iterdir())
