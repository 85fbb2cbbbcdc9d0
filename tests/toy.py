"""A pipeline that runs in two seconds, in git, for what needs no network."""

from pathlib import Path

from conftest import dvc_inside, git

FILES = {
    "params.yaml": """\
seed: 42
scales: [2, 3]
draw: {network: wide}
networks:
  wide: {width: 3, rate: 0.00001, bias: true}
  none: {}
regression:
  "*.accuracy": {better: higher, tolerance: 0.01}
  "*.loss": {better: lower, tolerance: 0.01}
""",
    "dvc.yaml": """\
stages:
  draw:
    cmd: python draw.py
    params: [seed, 'networks.${draw.network}', networks.none]
    deps: [draw.py, lib]
    outs:
      - digits
  score:
    matrix: {scale: '${scales}'}
    cmd: python score.py ${item.scale} --bias ${networks.wide.bias}
    deps: [score.py, digits]
    outs:
      - models/x${item.scale}.bin
    metrics:
      - metrics/score_x${item.scale}.json: {cache: false}
  collect:
    cmd: python collect.py
    deps: [models]
    outs: [total]
""",
    "draw.py": """\
import random
from pathlib import Path

seed = int(Path("params.yaml").read_text().split()[1])
random.seed(seed)
Path("digits").mkdir()
for name in ("a", "b", "c"):
    Path("digits", name).write_text(str(random.random()))
""",
    "score.py": """\
import json
import sys
from pathlib import Path

total = sum(float(path.read_text()) for path in Path("digits").iterdir())
Path("models").mkdir(exist_ok=True)
Path(f"models/x{sys.argv[1]}.bin").write_text(sys.argv[1] + str(total))
Path("metrics").mkdir(exist_ok=True)
metrics = {"accuracy": total / 3, "loss": int(sys.argv[1]) / 4}
Path(f"metrics/score_x{sys.argv[1]}.json").write_text(json.dumps(metrics))
""",
    "collect.py": """\
from pathlib import Path

models = sorted(Path("models").glob("*.bin"))
Path("total").write_text("".join(path.read_text() for path in models))
""",
    # Names whose order, and letters whose code, depend on how a listing is written.
    "lib/sub/b.py": "b",
    "lib/sub-c.py": "c",
    "lib/sub.py": "d",
    "lib/größe.txt": "größe",
    "lib/__pycache__/b.pyc": "of one machine",
    "models/README.md": "what the stage leaves here",
    ".gitignore": "/digits\n/models/*\n!/models/README.md\n/total\n/.work/\n__pycache__/\n",
    ".dvcignore": "__pycache__\n/models/README.md\n/.work\n",
}


def write(folder: Path) -> None:
    """Write it, without any result."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def make(folder: Path) -> None:
    """Write it, run it and commit the results."""
    write(folder)
    git(folder, "init", "--initial-branch=main")
    dvc_inside(folder, "init", "--force")
    dvc_inside(folder, "repro")
    commit(folder)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--message=Run the pipeline")
