"""The demo works on a copy and leaves the checkout as it is."""

import subprocess

import pytest
import yaml

import demo
from check_params import MODELS
from conftest import ROOT
from convlab.errors import InputError
from convlab.params import check_file, read_yaml


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init"], check=True, capture_output=True)
    files = {
        "params.yaml": "train_cnn: {steps: 9, seed: 1}\n",
        "dvc.lock": "old",
        "metrics/train_cnn.json": "{}",
        "stages/train_cnn/README.md": "what it does",
        "stages/train_cnn/SHA256SUMS": "of the former network",
        "src/convlab/new.py": "uncommitted",
        "data/raw/mnist/digits": "ignored",
        ".gitignore": "/data/raw/\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_copy_has_uncommitted_files_but_no_results(checkout):
    demo.copy_tree(checkout / "demo")
    copied = {str(p.relative_to(checkout / "demo")) for p in (checkout / "demo").rglob("*.*")}
    readme = "stages/train_cnn/README.md"
    assert copied == {"params.yaml", ".gitignore", "src/convlab/new.py", readme}
    assert not list(checkout.glob("demo/**/SHA256SUMS"))


def test_changes_are_laid_over_single_keys(checkout):
    demo.lay_over(checkout / "params.yaml", {"train_cnn": {"steps": 3}})
    assert read_yaml(checkout / "params.yaml") == {"train_cnn": {"steps": 3, "seed": 1}}


def test_the_demo_parameters_of_the_repository_are_valid(tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text((ROOT / "params.yaml").read_text())
    changes = yaml.safe_load((ROOT / "params.demo.yaml").read_text())
    demo.lay_over(params, changes)
    check_file(params, MODELS)
    assert read_yaml(params)["download_mnist"]["source"] == "bundled"
    assert read_yaml(params)["download_bsds"]["source"] == "bundled"


def test_outside_git_the_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"git ls-files: .*not a git repository"):
        demo.copy_tree(tmp_path / "demo")


@pytest.mark.parametrize("changes", [{"train": {"steps": 3}}, {"train_cnn": 3}])
def test_a_change_that_is_of_no_block_is_refused(checkout, changes):
    with pytest.raises(InputError, match="is to be changed, but must be a block"):
        demo.lay_over(checkout / "params.yaml", changes)
