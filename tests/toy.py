"""A pipeline of two stages that runs in a second, in git, for what needs no network."""

from pathlib import Path

from conftest import dvc_inside, git

FILES = {
    "params.yaml": """\
seed: 42
spread: {width: 3}
regression:
  "*.accuracy": {better: higher, tolerance: 0.01}
  "*.loss": {better: lower, tolerance: 0.01}
""",
    "dvc.yaml": """\
stages:
  draw:
    cmd: python draw.py
    params: [seed, spread.width]
    deps: [draw.py]
    outs:
      - digits
  score:
    cmd: python score.py
    deps: [score.py, digits]
    outs:
      - model.bin
    metrics:
      - metrics/score.json: {cache: false}
""",
    "draw.py": """\
import random
from pathlib import Path

import yaml

random.seed(yaml.safe_load(Path("params.yaml").read_text())["seed"])
Path("digits").mkdir()
for name in ("a", "b", "c"):
    Path("digits", name).write_text(str(random.random()))
""",
    "score.py": """\
import json
from pathlib import Path

total = sum(float(path.read_text()) for path in Path("digits").iterdir())
Path("model.bin").write_text(str(total))
Path("metrics").mkdir(exist_ok=True)
Path("metrics/score.json").write_text(json.dumps({"accuracy": total / 3, "loss": 0.5}))
""",
    ".gitignore": "/digits\n/model.bin\n/.work/\n",
}


def make(folder: Path) -> None:
    """Write it, run it and commit the results."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    git(folder, "init", "--initial-branch=main")
    dvc_inside(folder, "init")
    dvc_inside(folder, "repro")
    commit(folder)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--message=Run the pipeline")
