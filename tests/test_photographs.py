"""Photographs of one's own: found, split, read, and refused if they are of the test set."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import make_patches
from conftest import ROOT
from convlab.core.errors import InputError
from convlab.superres.patches import Shards, make_pair, read_pairs, read_plane
from convlab.superres.photographs import Photographs, Reader, find_photographs
from tools.preset import lay_over

PHOTO = data.astronaut()
SCENES = {
    "a.jpg": data.coffee()[:80, :96],
    "b/c.PNG": data.chelsea()[:90, :70],
    "b/d.webp": data.rocket()[100:180, :64],
    "b/deep/e.tif": data.camera()[:72, :100],
    "b/deep/f.jpeg": data.immunohistochemistry()[:64, :88],
    "g.bmp": data.coffee()[200:280, 200:260],
}


def source(folder, **changes):
    values = {"validation_fraction": 0.5, "validation_folder": "", "skip_broken": False}
    return Photographs(folder=str(folder), **values | changes)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a test photograph, and mixed pictures of one's own in `mine`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    changes = {"photographs": {"folder": "mine", "validation_fraction": 0.5}}
    lay_over(tmp_path / "params.yaml", changes | {"make_patches": {"patch_size": 8, "stride": 8}})
    save(tmp_path / "data/raw/bsds500/val/1.png", PHOTO[:200, :300])
    for name, scene in SCENES.items():
        save(tmp_path / "mine" / name, scene)
    for name in (".hidden.png", ".trash/a.png", "notes.txt"):
        save(tmp_path / "mine" / name, PHOTO[:8, :8], format="PNG")
    return tmp_path


def change(project, **changes):
    lay_over(project / "params.yaml", {"photographs": changes})


def names(paths):
    return [Path(path).name for path in paths]


def test_pictures_at_any_depth_are_split_in_the_order_of_their_names(project):
    training, validation = find_photographs(source("mine"))
    assert names(validation) == ["a.jpg", "d.webp", "f.jpeg"]
    assert names(training) == ["c.PNG", "e.tif", "g.bmp"]
    training, validation = find_photographs(source("mine", validation_fraction=0.3))
    assert names(validation) == ["a.jpg", "e.tif"]  # 1 / 0.3 is about 3


def test_a_folder_inside_validates_if_it_is_named(project):
    training, validation = find_photographs(source("mine", validation_folder="b/deep"))
    assert names(validation) == ["e.tif", "f.jpeg"]
    assert names(training) == ["a.jpg", "c.PNG", "d.webp", "g.bmp"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folder": "none"}, "photographs.folder = none: there is no such folder"),
        ({"validation_folder": "d"}, "mine/d: holds no photograph to validate on"),
        ({"folder": "mine/b", "validation_folder": "."}, "mine/b: holds no photograph to train on"),
    ],
)
def test_a_folder_without_what_is_needed_is_named(project, changes, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        find_photographs(source(**{"folder": "mine"} | changes))


def test_too_many_to_validate_on_are_refused(project, monkeypatch):
    monkeypatch.setattr("convlab.superres.photographs.MOST_VALIDATION", 2)
    with pytest.raises(
        InputError, match=r"^mine: 3 of 6 photographs are for validation, at most 2"
    ):
        find_photographs(source("mine"))


def test_the_stage_cuts_pictures_of_all_kinds(project):
    make_patches.main(2)
    folder = project / "data/patches/x2"
    low, high = Shards(folder).read_all()
    expected = [make_pair(SCENES[name], 2) for name in ("b/c.PNG", "b/deep/e.tif", "g.bmp")]
    np.testing.assert_array_equal(low[0], expected[0].low[:8, :8])
    np.testing.assert_array_equal(high[-1], expected[2].high[-16:, -60:][:, 32:48])
    rows = [((h // 2 - 8) // 8 + 1) * ((w // 2 - 8) // 8 + 1) for h, w in ((90, 70), (72, 100))]
    assert len(low) == sum(rows) + 5 * 3
    kept = {path.name for path in (folder / "validation/low").iterdir()}
    assert kept == {"a.jpg.png", "b__d.webp.png", "b__deep__f.jpeg.png"}
    assert len(read_pairs(folder / "validation")) == 3
    plane = read_plane(folder / "validation/high/a.jpg.png")
    with Image.open(project / "mine/a.jpg") as image:
        np.testing.assert_array_equal(plane, make_pair(np.array(image), 2).high)


def test_a_broken_picture_is_named_or_left_out_and_listed(project, capsys):
    (project / "mine/b/c.PNG").write_bytes(b"no picture")
    (project / "mine/a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"^mine/a\.jpg: is not a .*set photographs\.skip_broken"):
        make_patches.main(2)
    assert not (project / "data/patches").exists() or not list((project / "data/patches").iterdir())
    change(project, skip_broken=True)
    make_patches.main(2)
    said = capsys.readouterr().out.splitlines()
    count = len(Shards(Path("data/patches/x2")).read_all()[0])
    assert said[:2] == [
        f"x2: {count} patches of 2 photographs; 2 more for validation",
        "left out (skip_broken): 2 of 6 photographs:",
    ]
    assert [line.partition(": ")[0] for line in said[2:]] == ["mine/a.jpg", "mine/b/c.PNG"]
    assert len(read_pairs(project / "data/patches/x2/validation")) == 2
    for name in SCENES:
        (project / "mine" / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"^mine: none of the photographs to validate on can be"):
        make_patches.main(2)


def reencode(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    with Image.open(file) as image:
        return np.array(image)


TESTED = PHOTO[:200, :300]
COPIES = {
    "the same": TESTED,
    "JPEG of low quality": reencode(TESTED, "JPEG", quality=30),
    "half as large": np.array(Image.fromarray(TESTED).resize((150, 100))),
    "grey": np.array(Image.fromarray(TESTED).convert("L")),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("skip_broken", [False, True])
def test_a_test_photograph_is_refused_by_its_content(project, copy, skip_broken):
    save(project / "mine/z.png", copy)
    change(project, skip_broken=skip_broken, validation_folder="b/deep")
    with pytest.raises(InputError, match=r"^mine/z\.png: shows the same as data.*val/1\.png, of"):
        make_patches.main(2)


def test_another_part_of_a_scene_is_another_photograph(project):
    path = save(project / "mine/z.png", PHOTO[20:220, 40:340])
    ((_, colour),) = Reader(source("mine")).read([path], [])
    np.testing.assert_array_equal(colour, PHOTO[20:220, 40:340])
