"""Random pictures of every kind that Pillow can write; each half has a single colour."""

import random
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

HEIGHT, WIDTH = 20, 26
SUFFIXES = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "TIFF": "tif",
    "BMP": "bmp",
    "AVIF": "avif",
}
MODES = {
    "JPEG": ("1", "L", "RGB", "CMYK", "YCbCr"),
    "PNG": ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"),
    "WEBP": ("L", "LA", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "PA", "I;16", "RGB", "RGBX", "RGBA", "CMYK", "YCbCr", "LAB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "AVIF": ("L", "LA", "RGB", "RGBA"),
}
OPTIONS = {
    "JPEG": [{"quality": 95}, {"quality": 90, "progressive": True}, {"subsampling": "4:2:0"}],
    "PNG": [{}, {"compress_level": 0}, {"optimize": True}],
    "WEBP": [{"lossless": True}, {"lossless": True, "exact": True}, {"quality": 95}],
    "TIFF": [{}, {"big_tiff": True}]
    + [{"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd")],
    "BMP": [{}],
    "AVIF": [{"quality": 95}, {"quality": 90, "subsampling": "4:4:4"}],
}
METADATA = {
    "JPEG": ("exif", "icc_profile", "dpi", "xmp"),
    "PNG": ("exif", "icc_profile", "dpi", "xmp"),
    "WEBP": ("exif", "icc_profile", "xmp"),
    "TIFF": ("exif", "icc_profile", "dpi"),
    "BMP": ("dpi",),
    "AVIF": ("exif", "icc_profile", "xmp"),
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


class Made(NamedTuple):
    """A file, and what it holds."""

    name: str
    content: bytes
    mode: str
    lossless: bool
    metadata: frozenset[str]
    orientation: int


def make(number: int) -> Made:
    """Make the picture with some number; the same one at every call."""
    chance = random.Random(number)
    kind = chance.choice(list(MODES))
    mode, options = chance.choice(MODES[kind]), dict(chance.choice(OPTIONS[kind]))
    metadata = frozenset(name for name in METADATA[kind] if chance.random() < 0.4)
    orientation = chance.randint(1, 8) if "exif" in metadata else 1
    image = _image(mode, chance)
    if mode in {"P", "L", "RGB"} and kind == "PNG" and chance.random() < 0.5:
        options["transparency"] = image.getpixel((0, 0))
    options |= _metadata(kind, metadata, orientation)
    content = BytesIO()
    image.save(content, format=kind, **options)
    lossless = kind in {"PNG", "TIFF", "BMP"} or "lossless" in options
    name = f"{number:03}-{mode.replace(';', '')}.{SUFFIXES[kind]}"
    return Made(name, content.getvalue(), mode, lossless, metadata, orientation)


def _image(mode: str, chance: random.Random) -> Image.Image:
    halves = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    for half in (np.s_[:, : WIDTH // 2], np.s_[:, WIDTH // 2 :]):
        halves[half] = [chance.randrange(256) for _ in range(4)]
    image = Image.fromarray(halves)
    if mode == "I;16":
        return Image.fromarray(halves[..., 0].astype(np.uint16) * 257)
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image.convert("RGB"), srgb, lab, outputMode="LAB")
    if mode == "1":
        return image.convert("1", dither=Image.Dither.NONE)
    if mode in {"P", "PA"}:
        palette = image.convert("RGB").quantize(4)
        return palette.convert("PA") if mode == "PA" else palette
    return image.convert("RGB").convert(mode) if mode in {"CMYK", "YCbCr"} else image.convert(mode)


def _metadata(kind: str, names: frozenset[str], orientation: int) -> dict[str, Any]:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    exif[ExifTags.Base.Orientation] = orientation
    every = {"exif": exif.tobytes(), "icc_profile": SRGB, "dpi": (300, 300), "xmp": XMP}
    options = {name: every[name] for name in names}
    if kind == "PNG" and "xmp" in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp"))
    return options


def damage(content: bytes, number: int) -> bytes:
    """Damage a file: cut, overwrite or repeat a part of it; the same at every call."""
    chance = random.Random(number)
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(data)), chance.choice((1, 1, 2, 4, 40))
        match chance.randrange(4):
            case 0:
                del data[max(8, place) :]
            case 1:
                data[place : place + length] = bytes(chance.randrange(256) for _ in range(length))
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + length] = b"\xff" * length
    return bytes(data)
