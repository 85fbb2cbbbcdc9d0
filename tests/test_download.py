"""The two download stages as a user runs them."""

import gzip
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import download_bsds
import download_mnist
from convlab.core.errors import InputError
from convlab.data import mnist
from http_server import Answer, serving

ROOT = Path(__file__).parents[1]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in an empty project, cut off from the network beyond this machine."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: no proxy
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CONVLAB_MIRROR", "nowhere")
    monkeypatch.chdir(tmp_path)


def choose(source: str) -> None:
    stages = ("download_mnist", "download_bsds")
    Path("params.yaml").write_text("".join(f"{stage}: {{source: {source}}}\n" for stage in stages))


@pytest.mark.parametrize(
    ("stage", "out"), [(download_mnist, "data/raw/MNIST"), (download_bsds, "data/raw/bsds500")]
)
def test_bundled_data_replace_the_former_output(tmp_path, stage, out):
    (tmp_path / out).mkdir(parents=True)
    (tmp_path / out / "former").touch()
    choose("bundled")
    stage.main()
    assert "former" not in files(tmp_path / out)
    assert len(files(tmp_path / out)) >= 4
    assert {path.name for path in tmp_path.iterdir()} == {"data", "params.yaml"}


def test_mnist_is_laid_out_for_torchvision(tmp_path, monkeypatch):
    contents = {name: name.encode() for name in mnist.CHECKSUMS}
    for name, content in contents.items():
        monkeypatch.setitem(mnist.CHECKSUMS, name, hashlib.sha256(content).hexdigest())
    (tmp_path / "nowhere" / "mnist").mkdir(parents=True)
    for name, content in contents.items():
        (tmp_path / "nowhere" / "mnist" / f"{name}.gz").write_bytes(gzip.compress(content))
    choose("published")
    download_mnist.main()
    raw = tmp_path / "data" / "raw" / "MNIST" / "raw"
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == contents


def test_without_a_mirror_the_former_output_is_left_alone(tmp_path):
    out = tmp_path / "data" / "raw" / "MNIST"
    out.mkdir(parents=True)
    (out / "former").touch()
    choose("published")
    with pytest.raises(InputError, match=f"{tmp_path}/nowhere/mnist/train.*: is missing.*https:"):
        download_mnist.main()
    assert files(tmp_path / "data") == {"raw/MNIST/former"}


def start_bsds(url: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, ROOT / "src" / "download_bsds.py"],
        env=os.environ | {"CONVLAB_MIRROR": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_download_is_resumed_by_the_next_run(tmp_path):
    choose("published")
    stalls, partial = Answer(bytes(500_000), sent=250_000, stall=9), tmp_path / ".work/downloads"
    answers = [stalls, Answer(bytes(500_000), ranges=True)]
    with serving({"/bsds500/BSR_bsds500.tgz": answers}) as server:
        killed = start_bsds(server.url)
        while not any(path.stat().st_size for path in partial.rglob("*.part")):
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()
        killed.communicate()
        resumed = start_bsds(server.url)
        output, errors = resumed.communicate()
    (_, first), (_, second) = server.requests
    assert first is None
    assert second.startswith("bytes=")
    assert f"skipped {server.url}/bsds500/BSR_bsds500.tgz: is truncated, corrupt" in output
    (line,) = errors.splitlines()
    assert line.startswith("download_bsds: no mirror has bsds500/BSR_bsds500.tgz")
    assert resumed.returncode == 1
    assert files(tmp_path / "data") == set()
