"""The report: a page from a small synthetic run at two scales, checked without a browser."""

import base64
import hashlib
import io
import re
import shutil
from contextlib import chdir
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

import render_report
from conftest import ROOT
from convlab.core.errors import InputError
from convlab.core.params import read_yaml
from convlab.core.tables import write_csv
from convlab.core.weights import count_parameters, find_network, save_network
from convlab.data.bundled import write_idx
from convlab.digits.networks import cnn, mlp, student
from convlab.digits.prediction import predict
from convlab.digits.snapshots import read_snapshots, write_snapshots
from convlab.imaging.resize import upscale
from convlab.report.digits import digits_section
from convlab.report.embedding import embedding_section
from convlab.report.encode import diverge, sheet, stretch
from convlab.report.live import describe_network
from convlab.report.page import SCRIPTS, bundle, render_page
from convlab.report.provenance import LIBRARIES, pinned_versions
from convlab.report.residual import show_shuffle
from convlab.report.sources import read_digits_run, read_superres_run, read_upscaled
from convlab.report.superres import show_photo
from convlab.superres.comparison import compare_photo
from convlab.superres.cost import multiply_adds
from convlab.superres.inspection import shuffled_features
from convlab.superres.layers import bicubic, pixel_shuffle
from convlab.superres.networks import subpixel
from convlab.superres.patches import make_pair, write_plane
from convlab.superres.upscaling import NETWORKS, upscale_luminance
from digit_networks import Attention, Functional, Narrow

PAGE, MNIST, BSDS = "stages/render_report/report.html", "data/raw/MNIST", "data/raw/bsds500"
SCALES = (3, 2)  # not sorted: the page shows photographs at the first
PSNRS = {"boat": (30.0, 33.0), "cat": (28.0, 28.5), "dune": (35.0, 34.0)}
LABELS = np.arange(40, dtype=np.uint8) % 10
RANDOM = np.random.default_rng(0)


def noise(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


def write_digits(folder):
    """MNIST, and what the stages on digits leave."""
    for split in ("train", "t10k"):
        write_idx(folder / f"{MNIST}/raw/{split}-images-idx3-ubyte", noise(40, 28, 28))
        write_idx(folder / f"{MNIST}/raw/{split}-labels-idx1-ubyte", LABELS)
    stages = folder / "stages"
    for module, name in ((cnn, "cnn"), (mlp, "mlp")):
        network = module.Network(module.Settings())
        save_network(stages / f"train_cnn/{name}.safetensors", network, name, {"settings": {}})
    columns = ("step", "cnn_loss", "cnn_accuracy", "mlp_loss", "mlp_accuracy")
    rows = [(1, 2.3, 0.1, 2.3, 0.1), (9, 0.1, 0.9, 0.2, 0.8)]
    write_csv(stages / "train_cnn/curve.csv", columns, rows)
    snapshots = [1, 9], [0.1, 0.9], RANDOM.normal(size=(2, 40, 1568)), LABELS
    write_snapshots(stages / "train_cnn/snapshots.safetensors", *snapshots)
    predictions = [(label, 0 if index % 13 == 12 else label) for index, label in enumerate(LABELS)]
    write_csv(stages / "evaluate_cnn/predictions.csv", ("actual", "predicted"), predictions)
    shifts = [(0, 0.925, 0.8125), (1, 0.5, 0.25)]
    write_csv(stages / "evaluate_cnn/shift.csv", ("shift", "cnn", "mlp"), shifts)
    frames = [(step, *RANDOM.normal(size=2)) for step in (1, 9) for _ in LABELS]
    write_csv(stages / "render_tsne/frames.csv", ("step", "x", "y"), frames)


def write_superres(trained, evaluated, scale):
    """What the stages on super-resolution leave at one scale; the upscaled images are noise."""
    settings = subpixel.Settings(channels=4, layers=1)
    arguments = {"scale": scale, "settings": settings.model_dump()}
    network = subpixel.Network(scale, settings)
    save_network(trained / "model.safetensors", network, "subpixel", arguments)
    columns = ("step", "loss", "validation_psnr", "bicubic_psnr")
    write_csv(trained / "curve.csv", columns, [(5, 0.2, 28.0, 29.0), (9, 0.1, 30.0, 29.0)])
    for name in PSNRS:
        size = (90 // scale * scale, 100 // scale * scale)
        write_plane(evaluated / f"upscaled/{name}.png", noise(*size))
    columns = ("image", "bicubic_psnr", "bicubic_ssim", "network_psnr", "network_ssim")
    rows = [(name, low - scale, 0.8, high - scale, 0.9) for name, (low, high) in PSNRS.items()]
    write_csv(evaluated / "images.csv", columns, rows)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder in which every stage before the report was run."""
    folder = tmp_path_factory.mktemp("project")
    names = [f"{stage}/x{scale}" for scale in SCALES for stage in ("train_sr", "evaluate_sr")]
    pairs = [folder / "stages" / name for name in names]
    stages = [folder / f"stages/{name}" for name in ("train_cnn", "evaluate_cnn", "render_tsne")]
    for each in (folder / MNIST / "raw", *stages, *pairs):
        (each / "upscaled").mkdir(parents=True)
    write_digits(folder)
    for split, names in (("train", "ab"), ("test", "cd"), ("val", PSNRS)):
        (folder / BSDS / split).mkdir(parents=True)
        for name in names:
            Image.fromarray(noise(90, 100, 3)).save(folder / BSDS / split / f"{name}.png")
    for scale, trained, evaluated in zip(SCALES, pairs[::2], pairs[1::2], strict=True):
        write_superres(trained, evaluated, scale)
    params = read_yaml(ROOT / "params.yaml")
    params["scales"], params["download_bsds"]["source"] = list(SCALES), "bundled"
    params["evaluate_cnn"]["misclassified_shown"] = params["evaluate_sr"]["gallery_images"] = 2
    params["render_report"] |= {"atlas_side": 3, "atlas_steps": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    shutil.copy(ROOT / "requirements.txt", folder)
    return folder


@pytest.fixture(scope="module")
def rendered(project):
    """The page, the sections that it was filled with, and the shapes that its networks got."""
    sections, shapes = [], []

    def keep(*arguments, **options):
        sections.extend(arguments)
        return render_page(*arguments, **options)

    def count(module, inputs):
        if isinstance(module, subpixel.Network):
            shapes.append(tuple(inputs[0].shape[2:]))

    with pytest.MonkeyPatch.context() as patch, chdir(project):
        patch.setattr(render_report, "render_page", keep)
        hook = register_module_forward_pre_hook(count)
        render_report.main()
        hook.remove()
    torch.use_deterministic_algorithms(False)
    return (project / PAGE).read_text(encoding="utf-8"), sections, shapes


@pytest.fixture(scope="module")
def page(rendered):
    return rendered[0]


@pytest.fixture(scope="module")
def sections(rendered):
    return rendered[1]


class Elements(HTMLParser):
    """All start tags of a page with their attributes, and the tags that are never closed."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "img", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def words(page):
    """The text outside of tags, scripts and styles, with single spaces."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(text).split())


def decoded(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_the_page_is_complete_and_loads_nothing(page):
    elements = Elements(page)
    assert elements.open == []
    for tag, attributes in elements.found:
        loaded = {"src", "href", "data", "action", "srcset", "poster"} & attributes.keys()
        for name in loaded:
            links = ("https://",) if (tag, name) == ("a", "href") else ()  # followed, not loaded
            assert attributes[name].startswith(("#", "data:", *links)), (tag, attributes)
        assert tag != "img" or "alt" in attributes
    assert "default-src 'none'" in page
    for heading in re.findall(r"<h[234][^>]*>(.*?)</h", page.split("</main>")[0], re.DOTALL):
        assert heading.startswith('<a href="#') or not heading  # what a script fills
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    needed = set(re.findall(r'find\("([\w-]+)"\)', bundle(SCRIPTS)))
    assert needed - set(ids) == {"maps", "map-choice"}  # for a network that the page cannot run


def test_the_text_has_the_results_of_every_scale(page):
    text = words(page)
    for expected in ("92.50 % accuracy", "3 errors", "81.25 %", "28.83 dB mean PSNR"):
        assert expected in text
    assert "upscaled by 3: 0.83 dB above" in text
    assert "Everything below is for x3" in text
    assert "It is higher on 2 of them" in text
    assert "gain over bicubic interpolation is -1.00 to 3.00 dB" in text
    for scale in SCALES:
        network = subpixel.Network(scale, subpixel.Settings(channels=4, layers=1))
        parameters, arithmetic = count_parameters(network), multiply_adds(network)
        pflop = 6900 * 14 * (24 * scale) ** 2 * arithmetic * 6 / 1e15
        psnr = np.mean([high for _, high in PSNRS.values()]) - scale
        assert (
            f"x{scale} method parameters PSNR SSIM this run's network subpixel : 6,900 steps,"
            f" {pflop:.2g} PFLOP {parameters} {psnr:.2f} 0.9000"
        ) in text
        assert f'data-chart="validation_x{scale}"' in page
    assert "learning_rate: 0.002" in text
    assert "regression" not in text


def test_only_photographs_of_bsds_are_compared_with_published_results(page, sections):
    assert "cannot be compared with published ones" in words(page)
    assert "VDSR" not in page
    text = words(render_page(*sections, published=True))
    training = "VDSR (2016) 291 images at three scales, 4 h on a GPU 665 K"
    for expected in (f"{training} 28.82 0.7976", f"{training} 31.90", "non-commercial"):
        assert expected in text
    assert "0 of 7 published networks have a lower PSNR" in text


def test_the_network_runs_on_no_photograph(project, rendered):
    _, (_, _, superres, *_), shapes = rendered
    # 24 x 24: multiply-adds; strips of 16 pixels: what the output depends on; 7 x 7: single colours
    known = {(24, 24), (7, 7)}
    assert [each for each in shapes if each not in known and 16 not in each] == []
    assert superres["scale"] == 3
    ranks = {row["name"]: (row["rank"], row["whole"]) for row in superres["photographs"]}
    assert ranks == {"boat": (1, True), "cat": (2, False), "dune": (3, True)}
    run = read_superres_run(project / BSDS, project / "stages", 3)
    output = Image.open(project / "stages/evaluate_sr/x3/upscaled/cat.png")
    np.testing.assert_array_equal(read_upscaled(run, run.photos[1]).network, output)


@pytest.mark.parametrize(
    ("make", "convolutional"),
    [
        (lambda: student.Network(student.Settings()), False),
        (Attention, True),
        (Functional, True),
        (Narrow, True),
    ],
)
def test_a_page_of_any_network_shows_what_it_has(project, sections, make, convolutional):
    run, network = read_digits_run(project / MNIST, project / "stages"), make().eval()
    embedding = predict(network, run.images[:40]).embedding
    embeddings = np.float16([embedding, embedding])
    run = run._replace(cnn=network, snapshots=replace(run.snapshots, embeddings=embeddings))
    digits, atlas = digits_section(run, 2), embedding_section(run, atlas_side=3, atlas_steps=1)
    superres = sections[2] | {"residual": None}
    live = sections[3] | {"cnn": describe_network(network)}
    page = render_page(digits, atlas, superres, live, sections[4], published=False)
    assert Elements(page).open == []
    for part in (">Filters<", ">Receptive field<", 'id="field'):
        assert (part in page) == convolutional
    for part in ('class="maps" id="maps"', 'id="map-choice"'):
        assert (part in page) == (convolutional and "unknown" in live["cnn"])
    assert "Pixel shuffle, step" not in page
    file = type(network).__module__.rpartition(".")[2]
    assert f'In this run, "CNN" on this page means the network of digits/networks/{file}.py' in (
        words(page)
    )
    width = embedding.shape[1]
    assert f"gets {width} {'number' if width == 1 else 'numbers'} for each digit" in words(page)


def test_a_network_that_the_page_cannot_run_is_named_and_gets_no_controls(sections):
    upscaler = {"unknown": "the layer Attention (body.0)", "scale": 3, "reach": 9, "period": 1}
    live = sections[3] | {"upscaler": upscaler}
    page = render_page(*sections[:3], live, *sections[4:], published=False)
    assert "with the network of this run because of the layer Attention (body.0)." in words(page)
    assert 'id="own-' not in page


def test_captions_name_the_layers_of_the_network(project, sections):
    digits = sections[0]
    assert [layer["text"] for layer in digits["filters"]] == [
        "Convolution 1: 16 filters of 5 x 5 weights",
        "Convolution 2: 32 filters of 5 x 5 weights for each of 16 input channels; a column for"
        " each output channel, a row for each input channel",
    ]
    assert [layer["text"] for layer in digits["maps"]] == [
        "After ReLU 1: 16 x 28 x 28",
        "After max pooling 1: 16 x 14 x 14",
        "After ReLU 2: 32 x 14 x 14",
        "After max pooling 2: 32 x 7 x 7. These 1,568 numbers are the embedding",
    ]
    run = read_digits_run(project / MNIST, project / "stages")
    network = mlp.Network(mlp.Settings())
    narrow, wide = nn.Conv2d(33, 2, 3, padding=1), nn.Conv2d(2, 200, 5)
    first, *others = nn.Conv2d(1, 33, 5, stride=5), *[nn.ReLU()] * 13, narrow, wide
    network.features = nn.Sequential(first, *others, nn.Flatten(), nn.Linear(200, 36))
    digits = digits_section(run._replace(cnn=network), 2)
    one, two = digits["filters"]  # of the third convolution, they are too many
    assert one["text"] == "Convolution 1: 33 filters of 5 x 5 weights"
    assert two["text"].endswith("a column for each input channel, a row for each output channel")
    kernels = decoded(two["image"])
    assert kernels.shape == (2 * 4 - 1, 33 * 4 - 1)
    np.testing.assert_array_equal(
        kernels[4:, 32 * 4 :], diverge(narrow.weight.detach().numpy())[1, 32]
    )
    assert len(digits["maps"]) == 12
    last = digits["maps"][-1]
    assert last["text"] == "After ReLU 13: 33 x 5 x 5, of which the first 32 are shown"
    assert decoded(last["images"][0]).shape == (4 * 6 - 1, 8 * 6 - 1)


def test_a_cell_of_the_confusion_matrix_has_its_first_digits(project):
    run = read_digits_run(project / MNIST, project / "stages")
    shown = digits_section(run, 2)
    counts = [[cell["count"] for cell in row] for row in shown["confusion"]]
    assert counts[2][0] == counts[5][0] == counts[8][0] == 1
    assert sum(counts[digit][digit] for digit in range(10)) == 37
    assert shown["confusion"][0][0]["shade"] == 1 == shown["confusion"][2][0]["shade"]
    confused = shown["confused"]
    cells = list(zip(confused["labels"], confused["predictions"], strict=True))
    assert len(cells) == 10 * 2 + 3
    assert cells.count((0, 0)) == 2 >= cells.count((2, 0)) == 1
    assert confused["indices"][:2] == [0, 10]
    pictures = decoded(confused["sheet"])
    for place, index in enumerate(confused["indices"]):
        row, column = divmod(place, confused["columns"])
        tile = pictures[28 * row : 28 * (row + 1), 28 * column : 28 * (column + 1)]
        np.testing.assert_array_equal(tile, run.images[index])


def test_the_atlas_lies_at_the_points_that_it_is_of(project):
    run = read_digits_run(project / MNIST, project / "stages")
    positions = np.zeros((2, 40, 2))
    positions[1, :2] = [[-4.0, 1.0], [-4.0, 1.0]]  # two digits at the upper left
    positions[1, 2:] = [6.0, -1.0]
    shown = embedding_section(run._replace(positions=positions), atlas_side=5, atlas_steps=1)
    assert shown["atlas"]["domain"] == [[-4, 6], [-5, 5]]
    assert shown["plane"] == [[-4, 6], [-3, 3]]  # not lower than 0.6 widths
    cells = decoded(shown["atlas"]["image"]).reshape(5, 28, 5, 28).any(axis=(1, 3))
    assert np.argwhere(cells).tolist() == [[1, 0], [2, 4]]
    assert shown["atlas"]["cells"] == 2


def test_a_page_that_is_too_large_is_refused_and_the_former_one_stays(project, page, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setattr("convlab.report.page.MAX_PAGE_BYTES", 10_000)
    with pytest.raises(InputError, match=r"more than 10,000: lower render_report\.part_size"):
        render_report.main()
    torch.use_deterministic_algorithms(False)
    assert (project / PAGE).read_text(encoding="utf-8") == page


def cut_last_line(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def change_labels(path):
    old = read_snapshots(path)
    write_snapshots(path, old.steps, old.accuracies, old.embeddings, 9 - old.labels)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("evaluate_cnn/predictions.csv", cut_last_line),
        ("train_cnn/snapshots.safetensors", change_labels),
        ("render_tsne/frames.csv", cut_last_line),
        ("evaluate_sr/x2/images.csv", cut_last_line),
        ("evaluate_sr/x2/upscaled/cat.png", lambda path: write_plane(path, noise(9, 9))),
    ],
)
def test_a_file_of_another_run_is_refused(project, tmp_path, file, change):
    def read():
        read_digits_run(project / MNIST, tmp_path)
        run = read_superres_run(project / BSDS, tmp_path, 2)
        return [read_upscaled(run, photo) for photo in run.photos]

    shutil.copytree(project / "stages", tmp_path, dirs_exist_ok=True)
    read()
    change(tmp_path / file)
    with pytest.raises(InputError, match=rf"{file}: is from another run than the other files"):
        read()


def test_checksums_and_versions_are_those_of_this_run(project, page, tmp_path):
    model = project / "stages/train_sr/x2/model.safetensors"
    digits = sorted(project.glob(f"{MNIST}/raw/*-ubyte"))
    for content in (model.read_bytes(), b"".join(file.read_bytes() for file in digits)):
        assert hashlib.sha256(content).hexdigest() in page
    assert pinned_versions(ROOT / "requirements.txt").keys() == set(LIBRARIES)
    pins = tmp_path / "pins.txt"
    pins.write_text(
        "--extra-index-url https://download.pytorch.org/whl/cpu\n# pins\n"
        "numpy==1.0 ; python_full_version < '3'\n"
        "numpy==2.0 ; python_full_version >= '3' \\\n    --hash=sha256:00\n    # via x\n"
    )
    assert pinned_versions(pins) == {"numpy": "2.0"}
    pins.write_text("numpy is fine\n")
    with pytest.raises(InputError, match=r"pins\.txt: "):
        pinned_versions(pins)


def test_tiles_and_values_become_pictures():
    picture = sheet([np.full((2, 3), value, np.uint8) for value in (1, 2, 3)], 2, gap=1, fill=9)
    assert picture.shape == (5, 7)
    assert picture[[0, 0, 3, 3, 2], [0, 4, 0, 4, 0]].tolist() == [1, 2, 3, 9, 9]
    assert stretch(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    assert stretch(np.zeros(2)).tolist() == [0, 0]
    assert diverge(np.array([-2.0, 0.0, 1.0])).tolist() == [0, 128, 191]


@pytest.mark.parametrize("scale", [2, 3])
def test_photographs_are_kept_without_loss(scale):
    photo = compare_photo(noise(96, 102, 3), noise(96, 102), scale)
    window = np.s_[8:40, 70:102]  # at the right border
    shown = show_photo(photo, window)
    np.testing.assert_array_equal(decoded(shown["truth"]), photo.rgb[window])
    luminance = Image.fromarray(decoded(shown["network"])).convert("L")
    np.testing.assert_array_equal(luminance, photo.network[window])
    low = decoded(shown["low"])[..., 0]
    assert position(low, photo.low) == (8 // scale - 2, 70 // scale - 2)
    interpolated = upscale(low, scale, "bicubic")[shown["top"] :, shown["left"] :]
    np.testing.assert_array_equal(interpolated[:32, :32], photo.bicubic[window])
    assert (shown["height"], shown["width"]) == (32, 32)


def make_network(name, scale, **settings):
    module = find_network(NETWORKS, name)
    network = module.Network(scale, module.Settings(**settings)).eval()
    for weights in network.parameters():
        nn.init.normal_(weights, std=0.05)
    return network


@pytest.mark.parametrize("scale", [2, 3])
def test_pixel_shuffle_is_shown_as_it_is(scale):
    network = make_network("subpixel", scale, channels=4, layers=1)
    rgb = noise(96, 96, 3)
    low = make_pair(rgb, scale).low
    features = torch.from_numpy(shuffled_features(network, low))[None]
    inputs = torch.from_numpy(low)[None, None].float() / 255
    with torch.inference_mode():
        expected = bicubic(inputs, scale) + pixel_shuffle(features, scale)
        torch.testing.assert_close(network(inputs), expected)

    photo = compare_photo(rgb, upscale_luminance(network, low), scale)
    shown = show_shuffle(network, photo)
    interleaved = decoded(shown["interleaved"])
    for index, channel in enumerate(shown["channels"]):
        row, column = divmod(index, scale)
        np.testing.assert_array_equal(interleaved[row::scale, column::scale], decoded(channel))
    top, left = position(decoded(shown["low"]), low)
    for name in ("truth", "bicubic", "network"):
        place = position(decoded(shown[name]), getattr(photo, name))
        assert place == (scale * top, scale * left)


def position(part, whole):
    """Row and column of a part in a picture that holds it once."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)
    ((top, left),) = np.argwhere((windows == part).all(axis=(-2, -1)))
    return top, left


@pytest.mark.parametrize(
    ("name", "scale", "settings"),
    [
        ("subpixel", 2, {"upsampling": "resize"}),
        ("edsr", 4, {"channels": 4, "blocks": 1}),  # two shuffles
    ],
)
def test_a_network_that_upscales_otherwise_has_no_pixel_shuffle_to_show(name, scale, settings):
    low = np.zeros((6, 7), np.uint8)
    assert shuffled_features(make_network(name, scale, **settings), low) is None
