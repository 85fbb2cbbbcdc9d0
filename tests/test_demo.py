"""The demo works on a copy and leaves the checkout as it is."""

import pytest

from conftest import ROOT, git
from convlab.core.errors import InputError
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


def test_outside_git_the_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"git ls-files: .*not a git repository"):
        demo.copy_tree(tmp_path / "demo")
