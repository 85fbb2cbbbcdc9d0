"""What the report holds, before any browser sees it."""

import base64
import hashlib
import io
import json
import re
import shutil
from contextlib import chdir
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from torch import nn

import render_report
from conftest import ROOT
from convlab.data.snapshots import read_snapshots, write_snapshots
from convlab.errors import InputError
from convlab.nets.subpixel import SubPixel
from convlab.report.encode import diverge, png, sheet, stretch, webp
from convlab.report.making import LIBRARIES, checksum, pinned_versions
from convlab.report.page import render_page
from convlab.report.photographs import Enlarged, enlarge_photo, show_photo, show_shuffle
from convlab.report.sources import (
    ANSWERS,
    FRAMES,
    IMAGES,
    SNAPSHOTS,
    read_digits_run,
    read_superres_run,
)
from convlab.tables import read_columns

PAGE = "stages/render_report/report.html"


def decoded(uri):
    kind, text = uri.split(",")
    assert re.fullmatch(r"data:image/(png|webp);base64", kind)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


@pytest.fixture(scope="module")
def page(pipeline):
    return (pipeline / PAGE).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """All start tags of a page, with their attributes; and the open ones at its end."""

    EMPTY = frozenset({"meta", "link", "img", "input", "br"})

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_asks_for_nothing(page):
    elements = Elements(page)
    assert elements.open == []
    for tag, attributes in elements.found:
        for name in ("src", "href", "data", "action", "srcset", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert "default-src 'none'" in page
    assert len(page.encode()) < 8_000_000


def test_every_picture_has_a_text_or_is_said_to_need_none(page):
    pictures = [attributes for tag, attributes in Elements(page).found if tag == "img"]
    assert len(pictures) > 10
    assert all("alt" in attributes for attributes in pictures)


def test_it_tells_the_results_that_the_metrics_have(page, pipeline):
    digits, photographs = (
        json.loads((pipeline / "metrics" / f"{name}.json").read_text())
        for name in ("evaluate_cnn", "evaluate_sr")
    )
    assert f"{100 * digits['cnn']['accuracy']:.2f} %" in page
    assert f"{photographs['x2']['network']['psnr']:.2f} dB" in page


def test_the_error_that_is_left_is_the_mean_over_all_photographs(page, pipeline):
    table = read_columns(pipeline / "stages/evaluate_sr/images.csv", texts={"image"})
    ours, bicubic = (
        np.mean(10 ** (-np.array(table[f"{method}_psnr"]) / 10))
        for method in ("network", "bicubic")
    )
    share = f"{abs(100 * (1 - ours / bicubic)):.0f}\u00a0%"
    assert f"{share} {'smaller' if ours <= bicubic else 'greater'}" in page


def test_bundled_photographs_do_not_stand_beside_published_figures(page):
    assert "cannot stand beside published ones" in page
    assert "VDSR" not in page


@pytest.fixture(scope="module")
def told(pipeline):
    """Give what the page is filled with."""
    kept = []

    def keep(*parts, **_):
        kept.extend(parts)
        raise InputError("kept")

    with pytest.MonkeyPatch.context() as patch, chdir(pipeline), pytest.raises(InputError):
        patch.setattr(render_report, "render_page", keep)
        render_report.main()
    return kept


def test_photographs_of_bsds_stand_beside_published_figures_and_with_their_terms(told):
    page = render_page(*told, published=True)
    assert Elements(page).open == []
    assert "VDSR (2016)" in page
    assert "665 K" in page
    assert "non-commercial research and education" in page


def test_a_network_without_pixel_shuffle_has_a_page_too(told):
    digits, embedding, photographs, making = told
    page = render_page(digits, embedding, photographs | {"shuffle": None}, making, published=False)
    assert Elements(page).open == []
    assert "Pixel shuffle, step by step" not in page


@pytest.mark.parametrize("file", [ANSWERS, SNAPSHOTS, FRAMES, IMAGES])
def test_what_is_of_another_run_is_refused(pipeline, tmp_path, file):
    mnist, bsds, stages = (
        pipeline / name for name in ("data/raw/mnist", "data/raw/bsds500", "stages")
    )
    shutil.copytree(stages, tmp_path, dirs_exist_ok=True)
    for checksums in tmp_path.rglob("SHA256SUMS"):
        checksums.unlink()
    read_digits_run(mnist, tmp_path)
    read_superres_run(bsds, tmp_path, 2)
    path = tmp_path / file
    if file == SNAPSHOTS:
        old = read_snapshots(path)
        write_snapshots(path, old.steps, old.accuracies, old.features, 9 - old.digits)
    else:
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match=rf"{path.name}: is of another run than the rest"):
        read_digits_run(mnist, tmp_path)
        read_superres_run(bsds, tmp_path, 2)


def test_it_gives_the_checksums_of_what_it_read(page, pipeline):
    model = pipeline / "stages/train_sr/model.safetensors"
    digits = sorted(pipeline.glob("data/raw/mnist/*"))
    for content in (model.read_bytes(), b"".join(file.read_bytes() for file in digits)):
        assert hashlib.sha256(content).hexdigest() in page


def test_a_page_that_is_too_large_is_refused_and_the_former_one_stays(pipeline, monkeypatch):
    before = (pipeline / PAGE).read_bytes()
    monkeypatch.chdir(pipeline)
    monkeypatch.setattr("convlab.report.page.LARGEST", 1_000_000)
    with pytest.raises(InputError, match=r"more than 1,000,000: lower render_report\.quality"):
        render_report.main()
    assert (pipeline / PAGE).read_bytes() == before


def test_checksums_are_those_of_the_files_one_after_the_other(tmp_path):
    for name, text in (("b", b"two"), ("a", b"one")):
        (tmp_path / name).write_bytes(text)
    assert checksum(tmp_path.iterdir()) == hashlib.sha256(b"onetwo").hexdigest()


def test_every_library_that_is_named_is_pinned():
    assert pinned_versions(ROOT / "requirements.txt").keys() == set(LIBRARIES)


def test_versions_are_those_for_this_python(tmp_path):
    old, new = "numpy==1.0 ; python_full_version < '3'", "numpy==2.0 ; python_full_version >= '3'"
    (tmp_path / "pins.txt").write_text(f"# pins\n{old}  # via x\n{new}\n")
    assert pinned_versions(tmp_path / "pins.txt") == {"numpy": "2.0"}


def test_what_pip_and_its_tools_write_beside_pins_is_passed_over(tmp_path):
    index = "--extra-index-url https://download.pytorch.org/whl/cpu"
    pin = "numpy==2.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via x"
    (tmp_path / "pins.txt").write_text(f"{index}\n{pin}\nscipy==1.0 --hash=sha256:02\n")
    assert pinned_versions(tmp_path / "pins.txt") == {"numpy": "2.0", "scipy": "1.0"}


def test_what_is_no_pin_is_named(tmp_path):
    (tmp_path / "pins.txt").write_text("numpy is fine\n")
    with pytest.raises(InputError, match=r"pins\.txt: .*numpy is fine|pins\.txt: Expected"):
        pinned_versions(tmp_path / "pins.txt")


def test_a_picture_without_loss_is_the_same_again():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    np.testing.assert_array_equal(decoded(png(pixels)), pixels)


def test_a_photograph_is_nearly_the_same_and_the_same_text_each_time():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    pixels = np.dstack([np.tile(ramp, (64, 1))] * 3)
    assert abs(decoded(webp(pixels, 90)).astype(int) - pixels).max() < 12
    assert webp(pixels, 90) == webp(pixels, 90)


def test_tiles_lie_in_rows():
    tiles = [np.full((2, 3), value, np.uint8) for value in (1, 2, 3)]
    laid = sheet(tiles, 2, gap=1, fill=9)
    assert laid.shape == (5, 7)
    assert [laid[0, 0], laid[0, 4], laid[3, 0], laid[3, 4], laid[2, 0]] == [1, 2, 3, 9, 9]


def test_values_become_grey_levels():
    assert stretch(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    assert stretch(np.zeros(2)).tolist() == [0, 0]
    assert diverge(np.array([-2.0, 0.0, 1.0])).tolist() == [0, 128, 191]


@pytest.mark.parametrize("scale", [2, 3])
def test_pixel_shuffle_is_shown_as_it_is(scale):
    network = SubPixel(scale, channels=4, layers=1, upsampling="pixel_shuffle")
    nn.init.normal_(network.tail[0].weight, std=0.01)
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    photo = enlarge_photo(network, rgb)
    shown = show_shuffle(network, photo)
    laid, shuffled = decoded(shown["laid"]), decoded(shown["shuffled"])
    assert shuffled.std() > 10
    for index, channel in enumerate(shown["channels"]):
        row, column = divmod(index, scale)
        of_channel = decoded(channel)
        np.testing.assert_array_equal(laid[row::scale, column::scale], of_channel)
        bright = shuffled[row::scale, column::scale].ravel()
        order = of_channel.sum(axis=-1).ravel()[np.argsort(bright, kind="stable")]
        assert (np.diff(order.astype(int)) >= 0).all()
    top, left = where(decoded(shown["truth"]), photo.truth)
    assert (top, left) == where(decoded(shown["bicubic"]), photo.bicubic)
    assert (top, left) == where(decoded(shown["network"]), photo.network)
    assert (top // scale, left // scale) == where(decoded(shown["low"]), photo.low)


def where(part, whole):
    """Row and column of a part in a picture, in which it is found once."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)
    ((top, left),) = np.argwhere((windows == part).all(axis=(-2, -1)))
    return int(top), int(left)


def test_errors_are_those_of_the_enlargement_that_they_stand_under():
    flat = np.full((4, 4), 100, np.uint8)
    photo = Enlarged(np.dstack([flat] * 3), flat[:2, :2], flat, flat.copy(), flat + 20, 2)
    shown = show_photo(photo, photo.colour(), quality=100)
    none, some = (decoded(shown[f"{name}_error"]).mean() for name in ("bicubic", "network"))
    assert none < 10 < some
