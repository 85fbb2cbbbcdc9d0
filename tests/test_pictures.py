"""Pictures of every kind are read, and what belongs to them is written again."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from convlab.core.errors import InputError
from convlab.imaging.pictures import Picture, read_picture
from convlab.imaging.saving import write_picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
GREY = RGB[..., 0]
ALPHA = np.linspace(0, 255, 54).astype(np.uint8).reshape(6, 9)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@st.composite
def pictures(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    colour = draw(arrays(np.uint8, draw(st.sampled_from([shape, (*shape, 3)]))))
    return Picture(colour, draw(st.none() | arrays(np.uint8, shape)))


@settings(max_examples=50)
@given(pictures(), st.sampled_from([".png", ".tif", ".tiff", ".bmp"]))
def test_lossless_formats_give_back_what_was_written(tmp_path_factory, picture, suffix):
    path = tmp_path_factory.getbasetemp() / f"picture{suffix}"
    if picture.alpha is not None and suffix == ".bmp":
        with pytest.raises(InputError, match="BMP has no transparency"):
            write_picture(path, picture)
        return
    write_picture(path, picture)
    read = read_picture(path)
    np.testing.assert_array_equal(read.colour, picture.colour)
    np.testing.assert_array_equal(read.alpha, picture.alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_are_close(tmp_path, suffix):
    smooth = np.dstack([np.tile(np.arange(64, dtype=np.uint8), (64, 1))] * 3)
    alpha = None if suffix == ".jpg" else smooth[..., 0]
    write_picture(tmp_path / f"picture{suffix}", Picture(smooth, alpha))
    read = read_picture(tmp_path / f"picture{suffix}")
    assert abs(read.colour.astype(int) - smooth)[:, 1:].max() <= 4
    np.testing.assert_array_equal(read.alpha, alpha)


def test_what_a_format_cannot_hold_is_named(tmp_path):
    wide = Picture(np.zeros((1, 16_384, 3), np.uint8))
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    described = Picture(RGB, metadata={"exif": exif.tobytes()})
    for name, picture, message in (
        ("a.gif", Picture(RGB), "must end with one of .jpg"),
        ("a.jpg", Picture(RGB, ALPHA), "JPEG has no transparency: write .png"),
        ("a.webp", wide, "WEBP allows at most 16,383 pixels"),
        ("a.jpg", described, "cannot be written as JPEG: EXIF"),
    ):
        with pytest.raises(InputError) as caught:
            write_picture(tmp_path / name, picture)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


def tiff(values, **options):
    content = BytesIO()
    tifffile.imwrite(content, values, **options)
    return content.getvalue()


def test_what_cannot_be_read_is_named(tmp_path):
    path, planes = tmp_path / "picture.png", np.moveaxis(RGB, -1, 0).astype(np.uint16)
    write_picture(path, Picture(RGB))
    for content, message in (
        (path.read_bytes()[:-40], "truncated"),
        (b"hello", "is not a JPEG, PNG, WEBP, TIFF, AVIF or BMP image"),
        (tiff(GREY.astype(np.int32)), "has 32 bits per pixel of grey"),
        (tiff(GREY.astype(np.float32)), "has 32 bits per pixel of grey"),
        (tiff(planes, photometric="rgb", planarconfig="separate"), "separate 16-bit colour planes"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"^{path}: .*{message}"):
            read_picture(path)
    path.unlink()
    with pytest.raises(InputError, match=f"^{path}: No such file"):
        read_picture(path)


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif"])
def test_profile_and_exif_go_from_each_format_into_each(tmp_path, source):
    """Also tags in the folders where cameras and phones store them; the size is updated."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    sizes = {ExifTags.Base.ExifImageWidth: 9, ExifTags.Base.ExifImageHeight: 6}
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.ExposureTime: 0.5, **sizes})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 8.0, 0.0)})
    Image.fromarray(RGB).save(tmp_path / f"a{source}", icc_profile=SRGB, exif=exif.tobytes())
    read = read_picture(tmp_path / f"a{source}")
    larger = Picture(np.tile(read.colour, (2, 2, 1)), metadata=read.metadata)
    for target in (".jpg", ".png", ".webp", ".tif"):
        write_picture(tmp_path / f"b{target}", larger)
        with Image.open(tmp_path / f"b{target}") as image:
            image.load()
            assert image.size == (18, 12)
            assert image.info["icc_profile"] == SRGB
            kept = image.getexif()
            assert kept[ExifTags.Base.Model] == "a camera"
            folder = kept.get_ifd(ExifTags.IFD.Exif)
            assert folder[ExifTags.Base.ExposureTime] == 0.5
            assert [folder[tag] for tag in sizes] == [18, 12]
            assert kept.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


DEEP = np.random.default_rng(1).integers(0, 65_536, (6, 9, 4), np.uint16)


def deep_png(pixels):
    """A PNG file with 16 bits, written without the library."""
    height, width, channels = pixels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    content = BytesIO()
    content.write(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    data = zlib.compress(np.insert(lines, 0, 0, axis=1).tobytes())
    for name, part in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        PngImagePlugin.putchunk(content, name, part)
    return content.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_stay_sixteen_bits(tmp_path, channels):
    pixels = DEEP[..., :channels]
    photometric = "rgb" if channels >= 3 else "minisblack"
    extra = {"extrasamples": ["unassalpha"]} if channels % 2 == 0 else {}
    files = {"png": deep_png(pixels)}
    for order, compression in (("<", None), (">", None), ("<", "zlib"), (">", "zlib")):
        options = {"photometric": photometric, "compression": compression, **extra}
        name = f"{'big' if order == '>' else 'little'}{compression}.tif"
        files[name] = tiff(np.squeeze(pixels), byteorder=order, **options)
    if channels == 2:
        files = {"png": files["png"]}  # Pillow reads no such TIFF
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        picture = read_picture(tmp_path / name, deep=True)
        assert picture.colour.dtype == np.uint16
        np.testing.assert_array_equal(np.atleast_3d(picture.pixels), pixels, name)
        shallow = read_picture(tmp_path / name)
        channel = [0, -1] if channels == 2 else slice(None)  # Pillow makes it RGBA
        assert abs(np.atleast_3d(shallow.pixels)[..., channel] - pixels / 257).max() <= 1
        for target in ("b.png", "b.tif"):
            write_picture(tmp_path / target, picture)
            again = read_picture(tmp_path / target, deep=True)
            np.testing.assert_array_equal(np.atleast_3d(again.pixels)[..., channel], pixels)
    written = np.atleast_3d(tifffile.imread(tmp_path / "b.tif"))
    np.testing.assert_array_equal(written[..., channel], pixels)


def test_lossless_webp_stays_lossless_and_a_lossy_one_lossy(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    for lossless in (True, False):
        for options in ({}, {"exif": exif.tobytes(), "icc_profile": SRGB}):
            path = tmp_path / "a.webp"
            Image.fromarray(RGB).save(path, lossless=lossless, **options)
            picture = read_picture(path)
            write_picture(tmp_path / "b.webp", picture)
            assert (b"VP8L" in (tmp_path / "b.webp").read_bytes()) == lossless
            if lossless:
                np.testing.assert_array_equal(read_picture(tmp_path / "b.webp").colour, RGB)


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:D tiff:Orientation=\"6\" a='kept'/></x:xmpmeta>"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif", ".bmp"])
def test_resolution_and_xmp_are_kept_where_the_format_can(tmp_path, suffix):
    text = PngImagePlugin.PngInfo()
    text.add(b"gAMA", struct.pack(">I", 100_000))
    text.add_itxt("XML:com.adobe.xmp", XMP)
    text.add_text("Title", "Ein Stück")
    Image.fromarray(RGB).save(tmp_path / "a.png", dpi=(300, 150), pnginfo=text)
    picture = read_picture(tmp_path / "a.png")
    assert picture.colour.shape == (9, 6, 3)  # turned, as XMP says
    for pixels in (picture.colour, picture.colour.astype(np.uint16) * 257):
        if pixels.dtype == np.uint16 and suffix not in (".png", ".tif"):
            continue
        path = tmp_path / f"b{suffix}"
        write_picture(path, Picture(pixels, metadata=picture.metadata))
        with Image.open(path) as image:
            if suffix not in (".webp", ".avif"):
                assert [round(float(dots)) for dots in image.info["dpi"]] == [300, 150]
            if suffix != ".bmp":
                assert image.info["xmp"] == XMP.replace(b'tiff:Orientation="6"', b"")
            if suffix == ".png":
                assert image.info["gamma"] == 1
                assert image.text["Title"] == "Ein Stück"
        again = read_picture(path)
        assert again.colour.shape == (9, 6, 3)
        if suffix not in (".webp", ".avif"):
            assert np.round(again.metadata["dpi"]).tolist() == [300, 150]


def test_a_profile_that_does_not_describe_the_pixels_is_dropped(tmp_path):
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    for image, profile, kept in (
        (Image.fromarray(RGB), SRGB, True),
        (Image.fromarray(GREY), grey, True),
        (Image.fromarray(GREY).convert("P"), grey, False),
        (Image.fromarray(GREY), SRGB, False),
    ):
        image.save(tmp_path / "a.png", icc_profile=profile)
        assert ("icc_profile" in read_picture(tmp_path / "a.png").metadata) == kept


def test_lab_becomes_srgb(tmp_path):
    lab = np.full((6, 9, 3), (128, 0, 0), np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(lab, photometric="cielab"))
    picture = read_picture(tmp_path / "a.tif")
    assert np.ptp(picture.colour.astype(int)) <= 1
    assert abs(int(picture.colour[0, 0, 0]) - 119) <= 2


def test_a_value_that_cannot_be_written_is_dropped_and_the_picture_kept(tmp_path):
    """Such as a negative direction: some phones write it, and Pillow cannot."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS.GPSLatitudeRef: "N", 17: 90.0})
    data = exif.tobytes()
    for kind, written, negative in ((">HH", (17, 5), (17, 10)), (">ii", (90, 1), (-90, 1))):
        assert data.count(struct.pack(kind, *written)) == 1
        data = data.replace(struct.pack(kind, *written), struct.pack(kind, *negative))
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=data)
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.colour.shape == (9, 6, 3)
    write_picture(tmp_path / "b.jpg", picture)
    with Image.open(tmp_path / "b.jpg") as image:
        kept = image.getexif()
        assert kept[ExifTags.Base.Model] == "a camera"
        assert kept.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}


def test_exif_data_that_cannot_be_read_is_dropped_and_the_picture_kept(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").colour, RGB)


def test_a_long_text_is_accepted_and_a_decompression_bomb_is_refused(tmp_path):
    path = tmp_path / "a.png"
    for length in (5 * 2**20, 65 * 2**20):
        text = PngImagePlugin.PngInfo()
        text.add_text("workflow", "x" * length, zip=True)
        Image.fromarray(RGB).save(path, pnginfo=text)
        if length < 2**26:
            np.testing.assert_array_equal(read_picture(path).colour, RGB)
    with pytest.raises(InputError, match=f"^{path}: holds more than 64 MiB of text"):
        read_picture(path)


def test_tags_that_describe_the_original_pixels_are_not_kept(tmp_path):
    tags = [(33550, 12, 3, (1.0, 1.0, 0.0), True), (37724, 7, 4, b"8BIM", True)]
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", description="map", extratags=tags)
    picture = read_picture(tmp_path / "a.tif")
    write_picture(tmp_path / "b.tif", Picture(np.tile(RGB, (2, 2, 1)), metadata=picture.metadata))
    with Image.open(tmp_path / "b.tif") as image:
        assert image.size == (18, 12)
        assert not {33550, 37724} & image.getexif().keys()
        assert image.getexif()[ExifTags.Base.ImageDescription] == "map"


def test_the_orientation_is_applied_and_removed(tmp_path):
    upright = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.swapaxes(0, 1),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(RGB),
    }
    for orientation, expected in upright.items():
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        Image.fromarray(RGB).save(tmp_path / "turned.png", exif=exif)
        picture = read_picture(tmp_path / "turned.png")
        np.testing.assert_array_equal(picture.colour, expected)
        assert "exif" not in picture.metadata


def test_other_kinds_of_pixels_become_grey_or_rgb_of_eight_bits(tmp_path):
    deep, palette = GREY.astype(np.uint16) * 257, Image.fromarray(RGB).quantize(8)
    palette.save(tmp_path / "palette.png", transparency=3)
    Image.fromarray(GREY).convert("1").save(tmp_path / "black_and_white.png")
    Image.fromarray(deep).save(tmp_path / "grey.png")
    Image.fromarray(deep).save(tmp_path / "grey.tif")
    Image.fromarray(GREY.astype(np.uint16)).save(tmp_path / "dark.png")
    (tmp_path / "inverted.tif").write_bytes(tiff(65_535 - deep, photometric="miniswhite"))
    (tmp_path / "rgb.tif").write_bytes(tiff(RGB.astype(np.uint16) * 257, photometric="rgb"))
    flat = Image.new("RGB", (9, 6), (200, 60, 30)).convert("CMYK")
    flat.save(tmp_path / "cmyk.tif", icc_profile=b"not a profile")
    read = {path.name: read_picture(path) for path in tmp_path.iterdir()}
    np.testing.assert_array_equal(read["palette.png"].colour, palette.convert("RGB"))
    np.testing.assert_array_equal(read["palette.png"].alpha == 0, np.asarray(palette) == 3)
    assert set(np.unique(read["black_and_white.png"].colour)) == {0, 255}
    for name in ("grey.png", "grey.tif", "inverted.tif"):
        np.testing.assert_array_equal(read[name].colour, GREY)
    assert read["dark.png"].colour.max() <= 1
    np.testing.assert_array_equal(read["rgb.tif"].colour, RGB)
    assert abs(read["cmyk.tif"].colour.astype(int) - (200, 60, 30)).max() <= 3
    assert "icc_profile" not in read["cmyk.tif"].metadata


def test_a_picture_is_shown_on_white_unless_it_is_white():
    half = np.array([[0, 255], [0, 255]], np.uint8)
    assert Picture(np.zeros((2, 2), np.uint8), half).grey().tolist() == [[255, 0], [255, 0]]
    white = Picture(np.full((2, 2, 3), 255, np.uint8), half)
    assert white.grey().tolist() == [[16, 235], [16, 235]]  # black and white in studio range
