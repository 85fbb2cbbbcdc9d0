"""Draw the CNN's embedding of 500 test digits as points in the plane, with t-SNE.

Reads stages/train_cnn/snapshots.safetensors. Writes to stages/render_tsne a
picture and a table of the last snapshot's points, an animation of the training
and a table of its points. Parameters: block render_tsne.
"""

from pathlib import Path

import numpy as np

from convlab.core.outputs import atomic_write
from convlab.core.params import read_block
from convlab.core.script import progress, script
from convlab.core.tables import write_csv
from convlab.digits.snapshots import RenderTsne, fit_tsne, fit_tsne_sequence, read_snapshots
from convlab.figures.canvas import write_png
from convlab.figures.tsne import describe, draw_animation, draw_embedding, write_gif

SNAPSHOTS = Path("stages/train_cnn/snapshots.safetensors")
STAGE = Path("stages/render_tsne")
OUTPUTS = (STAGE / "tsne.png", STAGE / "tsne.csv", STAGE / "training.gif", STAGE / "frames.csv")


def main() -> None:
    params = read_block(Path("params.yaml"), "render_tsne", RenderTsne)
    snapshots = read_snapshots(SNAPSHOTS)
    labels = snapshots.labels
    title = describe(snapshots.steps[-1], snapshots.accuracies[-1])
    with atomic_write(*OUTPUTS) as (picture, table, animation, frames_file):
        points = fit_tsne(snapshots.embeddings[-1], params)
        frames = progress(snapshots.embeddings, desc="render_tsne", unit="snapshot")
        positions = np.stack(list(fit_tsne_sequence(frames, params)))
        write_png(picture, draw_embedding(points, labels, title))
        rows = zip(*points.T.astype(float).round(4), labels, strict=True)
        write_csv(table, ("x", "y", "digit"), rows)
        steps = np.repeat(snapshots.steps, len(labels))
        rows = zip(steps, *positions.reshape(-1, 2).T.astype(float).round(4), strict=True)
        write_csv(frames_file, ("step", "x", "y"), rows)
        write_gif(animation, draw_animation(positions, snapshots))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_tsne.lock")):
        main()
