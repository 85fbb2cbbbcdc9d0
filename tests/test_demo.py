"""The demo works on a copy and leaves the checkout as it is."""

import pytest

from conftest import ROOT, git
from convlab.core.errors import InputError
from convlab.core.params import read_yaml
from tools import demo


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init")
    files = {
        "params.yaml": (ROOT / "params.yaml").read_text(encoding="utf-8"),
        "dvc.lock": "old",
        "metrics/train_cnn.json": "{}",
        "stages/train_cnn/README.md": "what it does",
        "stages/train_cnn/cnn.safetensors": "ignored",
        "src/convlab/superres/metrics.py": "uncommitted",
        "src/tools/metrics/dvc.lock": "a package of that name",
        ".gitignore": "/stages/*/*\n!/stages/*/README.md\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_copy_has_uncommitted_files_but_no_results(checkout):
    copy = checkout / "demo"
    demo.copy_tree(copy)
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()} == {
        ".gitignore",
        "params.yaml",
        "stages/train_cnn/README.md",
        "src/convlab/superres/metrics.py",
        "src/tools/metrics/dvc.lock",
    }


def test_changes_replace_single_values_in_nested_blocks_and_nothing_else():
    values = {"a": {"b": {"c": 1, "d": 2}, "e": {"f": 3}}, "g": [4]}
    changes = {"a": {"b": {"c": 5, "h": {}}, "e": 6}, "g": [7]}
    merged = {"a": {"b": {"c": 5, "d": 2, "h": {}}, "e": 6}, "g": [7]}
    assert demo.merge(values, changes) == merged
    assert demo.merge(values, {}) == values


def test_a_preset_of_one_network_keeps_the_others(checkout):
    demo.lay_over(checkout / "params.yaml", {"networks": {"subpixel": {"channels": 4}}})
    networks = read_yaml(checkout / "params.yaml")["networks"]
    assert networks["subpixel"]["channels"] == 4
    assert networks["subpixel"]["layers"] == 6
    assert "cnn" in networks


@pytest.mark.parametrize(
    "name", ["params.demo.yaml", "tests/params.tiny.yaml", "params.long.yaml", "params.gpu.yaml"]
)
def test_every_preset_of_the_repository_is_valid(checkout, name):
    demo.lay_over(checkout / "params.yaml", read_yaml(ROOT / name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"steps": 3}}, r"params\.yaml: train: unknown block"),
        ({"train_cnn": 3}, r"params\.yaml: train_cnn: must have these keys"),
        ({"networks": {"nonet": {}}}, r"params\.yaml: networks\.nonet: unknown"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(checkout, changes, message):
    with pytest.raises(InputError, match=message):
        demo.lay_over(checkout / "params.yaml", changes)


def test_outside_git_the_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"git ls-files: .*not a git repository"):
        demo.copy_tree(tmp_path / "demo")
