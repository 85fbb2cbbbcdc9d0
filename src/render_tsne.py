"""Draw what the CNN makes of 500 test digits as points in the plane, with t-SNE.

Reads stages/train_cnn/snapshots.safetensors, leaves in stages/render_tsne the picture
of the last snapshot, its points as a table, and an animation over the training,
with a table of its points, too.
Parameters: block render_tsne.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from convlab.checksums import output_files
from convlab.data.snapshots import read_snapshots
from convlab.figures.canvas import write_png
from convlab.figures.tsne import (
    RenderTsne,
    describe,
    draw_animation,
    draw_embedding,
    embed,
    embed_frames,
    write_gif,
)
from convlab.params import read_block
from convlab.script import script
from convlab.tables import write_csv

SNAPSHOTS = Path("stages/train_cnn/snapshots.safetensors")
STAGE = Path("stages/render_tsne")
OUTPUTS = (STAGE / "tsne.png", STAGE / "tsne.csv", STAGE / "training.gif", STAGE / "frames.csv")


def main() -> None:
    params = read_block(Path("params.yaml"), "render_tsne", RenderTsne)
    snapshots = read_snapshots(SNAPSHOTS)
    digits = snapshots.digits
    title = describe(snapshots.steps[-1], snapshots.accuracies[-1])
    with output_files(*OUTPUTS) as (picture, table, animation, layouts):
        points = embed(snapshots.features[-1], params)
        frames = tqdm(snapshots.features, desc="render_tsne", unit="snapshot", disable=None)
        positions = np.stack(list(embed_frames(frames, params)))
        write_png(picture, draw_embedding(points, digits, title))
        rows = zip(*points.T.astype(float).round(4), digits, strict=True)
        write_csv(table, ("x", "y", "digit"), rows)
        moments = np.repeat(snapshots.steps, len(digits))
        rows = zip(moments, *positions.reshape(-1, 2).T.astype(float).round(4), strict=True)
        write_csv(layouts, ("step", "x", "y"), rows)
        write_gif(animation, draw_animation(positions, snapshots))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_tsne.lock")):
        main()
