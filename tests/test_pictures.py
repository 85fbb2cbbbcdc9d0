"""Pictures of every kind come in, and what belongs to them goes out again."""

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from convlab.errors import InputError
from convlab.imaging.pictures import Picture, read_picture, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
GREY = RGB[..., 0]
ALPHA = np.linspace(0, 255, 54).astype(np.uint8).reshape(6, 9)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("colour", [RGB, GREY])
def test_pixels_come_back_as_they_were_written(tmp_path, suffix, colour):
    path = tmp_path / f"picture{suffix}"
    write_picture(path, Picture(colour))
    np.testing.assert_array_equal(read_picture(path).colour, colour)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_transparency_is_kept(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    write_picture(path, Picture(RGB, ALPHA))
    np.testing.assert_array_equal(read_picture(path).alpha, ALPHA)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_are_near(tmp_path, suffix):
    smooth = np.dstack([np.tile(np.arange(64, dtype=np.uint8), (64, 1))] * 3)
    write_picture(tmp_path / f"picture{suffix}", Picture(smooth))
    read = read_picture(tmp_path / f"picture{suffix}").colour
    assert abs(read.astype(int) - smooth).max() <= 3


def test_jpeg_refuses_transparency(tmp_path):
    with pytest.raises(InputError, match=r"picture\.jpg: JPEG has no transparency"):
        write_picture(tmp_path / "picture.jpg", Picture(RGB, ALPHA))


def test_bmp_refuses_transparency(tmp_path):
    with pytest.raises(InputError, match=r"picture\.bmp: BMP has no transparency"):
        write_picture(tmp_path / "picture.bmp", Picture(GREY, ALPHA))


def test_what_is_too_wide_for_a_format_is_refused(tmp_path):
    wide = Picture(np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(InputError, match=r"WEBP has no room for more than 16,383 pixels"):
        write_picture(tmp_path / "picture.webp", wide)
    write_picture(tmp_path / "picture.png", wide)
    assert read_picture(tmp_path / "picture.png").colour.shape == (1, 16_384, 3)


def test_what_a_format_cannot_hold_is_named(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    with pytest.raises(InputError, match=r"a\.jpg: cannot be written as JPEG: EXIF"):
        write_picture(tmp_path / "a.jpg", Picture(RGB, extras={"exif": exif.tobytes()}))


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tif"])
def test_what_a_camera_says_goes_from_each_format_into_each(tmp_path, source, target):
    """In folders of their own, as cameras and phones have it; sizes are those of now."""
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    exif.get_ifd(ExifTags.IFD.Exif).update({0x829A: 0.5, 0xA002: 9, 0xA003: 6})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 8.0, 0.0)})
    path, again = tmp_path / f"a{source}", tmp_path / f"b{target}"
    Image.fromarray(RGB).save(path, exif=exif.tobytes())
    read = read_picture(path)
    write_picture(again, Picture(np.tile(read.colour, (2, 2, 1)), extras=read.extras))
    with Image.open(again) as image:
        kept = image.getexif()
        assert kept[0x0110] == "a camera"
        inside = kept.get_ifd(ExifTags.IFD.Exif)
        assert (inside[0x829A], inside[0xA002], inside[0xA003]) == (0.5, 18, 12)
        assert kept.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


def test_tags_of_the_pixels_that_were_read_are_not_kept(tmp_path):
    tags = [(33550, 12, 3, (1.0, 1.0, 0.0), True), (37724, 7, 4, b"8BIM", True)]
    tifffile.imwrite(
        tmp_path / "a.tif", RGB, photometric="rgb", description="a map", extratags=tags
    )
    write_picture(tmp_path / "b.tif", read_picture(tmp_path / "a.tif"))
    with Image.open(tmp_path / "b.tif") as image:
        assert not {33550, 37724} & image.getexif().keys()
        assert image.getexif()[270] == "a map"


def test_sixteen_bits_may_be_white_at_zero(tmp_path):
    inverted = (255 - GREY).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", inverted, photometric="miniswhite")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").colour, GREY)


def test_planes_of_sixteen_bits_are_refused(tmp_path):
    planes = np.moveaxis(RGB, -1, 0).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(InputError, match=r"a\.tif: has 16 bits in planes of their own"):
        read_picture(tmp_path / "a.tif")


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"picture\.gif: must end with one of \.jpg"):
        write_picture(tmp_path / "picture.gif", Picture(RGB))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright_and_says_so_no_more(tmp_path, orientation):
    """What a viewer would show of both is the same."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, "a note"
    Image.fromarray(RGB).save(tmp_path / "turned.png", exif=exif)
    picture = read_picture(tmp_path / "turned.png")
    turned = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.swapaxes(0, 1),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(RGB),
    }[orientation]
    np.testing.assert_array_equal(picture.colour, turned)
    write_picture(tmp_path / "upright.png", picture)
    with Image.open(tmp_path / "upright.png") as image:
        assert dict(image.getexif()) == {0x010E: "a note"}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_profile_and_exif_are_kept(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(RGB).save(path, icc_profile=SRGB, exif=exif)
    write_picture(again, read_picture(path))
    with Image.open(again) as image:
        image.load()
        assert image.info["icc_profile"] == SRGB
        assert image.getexif()[0x0110] == "a camera"
        assert image.size == (9, 6)


def test_a_larger_tiff_says_its_own_size(tmp_path):
    write_picture(tmp_path / "a.tif", Picture(GREY))
    picture = read_picture(tmp_path / "a.tif")
    larger = Picture(np.tile(picture.colour, (2, 2)), extras=picture.extras)
    write_picture(tmp_path / "b.tif", larger)
    np.testing.assert_array_equal(read_picture(tmp_path / "b.tif").colour, larger.colour)


def test_a_palette_becomes_rgb_with_its_transparency(tmp_path):
    image = Image.fromarray(RGB).quantize(8)
    image.save(tmp_path / "palette.png", transparency=3)
    picture = read_picture(tmp_path / "palette.png")
    np.testing.assert_array_equal(picture.colour, np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(image) == 3)


def test_black_and_white_becomes_grey(tmp_path):
    Image.fromarray(GREY).convert("1").save(tmp_path / "two.png")
    assert set(np.unique(read_picture(tmp_path / "two.png").colour)) == {0, 255}


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_become_eight(tmp_path, suffix):
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / f"deep{suffix}")
    np.testing.assert_array_equal(read_picture(tmp_path / f"deep{suffix}").colour, GREY)


def test_a_dark_picture_of_sixteen_bits_stays_dark(tmp_path):
    Image.fromarray(GREY.astype(np.uint16)).save(tmp_path / "dark.png")
    assert read_picture(tmp_path / "dark.png").colour.max() <= 1


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_refused(tmp_path, kind):
    tifffile.imwrite(tmp_path / "deeper.tif", GREY.astype(kind))
    with pytest.raises(InputError, match=r"deeper\.tif: has 32 bits for a grey: convert it"):
        read_picture(tmp_path / "deeper.tif")


def test_sixteen_bits_of_colour_become_eight(tmp_path):
    tifffile.imwrite(tmp_path / "deep.tif", RGB.astype(np.uint16) * 257, photometric="rgb")
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.tif").colour, RGB)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(tmp_path, suffix):
    flat = Image.new("RGB", (32, 32), (200, 60, 30))
    flat.convert("CMYK").save(tmp_path / f"print{suffix}", icc_profile=b"not a profile")
    picture = read_picture(tmp_path / f"print{suffix}")
    assert abs(picture.colour.astype(int) - (200, 60, 30)).max() <= 3
    assert "icc_profile" not in picture.extras


def test_a_picture_is_seen_on_white_unless_it_is_white():
    half = np.array([[0, 255], [0, 255]], np.uint8)
    assert Picture(np.zeros((2, 2), np.uint8), half).grey().tolist() == [[255, 0], [255, 0]]
    white = Picture(np.full((2, 2, 3), 255, np.uint8), half)
    assert white.grey().tolist() == [[16, 235], [16, 235]]  # of luminance, black and white
    assert np.ptp(Picture(np.full((2, 2, 3), 255, np.uint8), half // 255 * 255).on(255)) == 0


def test_colours_that_nobody_sees_become_those_beside_them():
    colour = np.zeros((1, 5, 3), np.uint8)
    colour[0, 2] = (250, 20, 10)
    picture = Picture(colour, np.array([[0, 0, 255, 0, 0]], np.uint8))
    np.testing.assert_array_equal(picture.without_hidden_colours(), [[(250, 20, 10)] * 5])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a JPEG, PNG, WEBP, TIFF or BMP image"),
        (b"hello", "is not a JPEG, PNG, WEBP, TIFF or BMP image"),
        (None, "No such file"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, message):
    path = tmp_path / "picture.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)


def test_a_picture_that_is_cut_short_is_named(tmp_path):
    path = tmp_path / "picture.png"
    write_picture(path, Picture(RGB))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"picture\.png: is cut short or corrupt"):
        read_picture(path)
