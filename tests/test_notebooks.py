"""The notebooks run from top to bottom, and are committed without outputs."""

import json

import pytest
from matplotlib import pyplot

from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The empty folder in which it runs, without a screen."""
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("Agg")
    yield tmp_path
    pyplot.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, folder, capsys):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    names = {}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert not list(folder.iterdir())
    lines = capsys.readouterr().out.splitlines()
    found = dict(line.split(": ", 1) for line in lines if ": " in line)
    if path.stem == "1_digits":
        accuracies = [float(found[name].split("%")[0]) for name in ("CNN", "MLP")]
        assert accuracies[0] > 93
        assert accuracies[0] > accuracies[1] > 80
    else:
        before, after = (float(found[at].split()[0]) for at in ("bicubic", "step 400"))
        assert after > before + 0.5


def test_there_are_two_without_outputs():
    assert len(NOTEBOOKS) == 2
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
