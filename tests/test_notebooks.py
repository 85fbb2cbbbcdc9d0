"""The notebooks run from top to bottom, and are committed without outputs."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, tmp_path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    script = tmp_path / "notebook.py"
    script.write_text("\n\n".join(["import matplotlib; matplotlib.use('Agg')", *code]), "utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notebook.py"]
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
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
