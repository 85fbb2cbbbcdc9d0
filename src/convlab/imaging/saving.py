"""Write users' pictures, with all metadata that the format can hold."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from convlab.core.errors import InputError
from convlab.imaging.pictures import FORMATS, Picture

DEEP_FORMATS = {"PNG", "TIFF"}
"""Formats that are written with 16 bits, if the picture has them."""
OPAQUE_FORMATS = {"JPEG", "BMP"}
"""Formats without transparency."""
_MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536}
"""Largest height and width, in pixels, of the formats that limit them."""
_SAVE_OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
}
_LOSSLESS = {"lossless": True, "quality": 50, "method": 4}
"""Options for lossless WebP files; here, `quality` is the effort of compression."""
_METADATA = {
    "JPEG": ("icc_profile", "exif", "dpi", "xmp"),
    "PNG": ("icc_profile", "exif", "dpi"),
    "WEBP": ("icc_profile", "exif", "xmp"),
    "AVIF": ("icc_profile", "exif", "xmp"),
    "BMP": ("dpi",),
}
"""Metadata that Pillow writes into each format, by the names in `Picture.metadata`; see also
`_png_chunks` and `_write_tiff`."""
_MAX_XMP = 65_502
"""Bytes of XMP that a JPEG file can hold."""
_WIDTH_TAG, _HEIGHT_TAG = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's numbers for grey, grey with opacity, RGB and RGBA, by the number of channels."""
_CHUNK = 2**20
"""Bytes in one piece of a file."""


def format_of(path: Path) -> str:
    """Give Pillow's name of the format of a file, by its suffix.

    Raises
    ------
    InputError
        If the suffix is not in `FORMATS`.
    """
    name = FORMATS.get(path.suffix.lower())
    if not name:
        raise InputError(f"{path}: must end with one of {', '.join(FORMATS)}")
    return name


def check_format(path: Path, height: int, width: int, *, transparent: bool) -> None:
    """Check, before a long computation, that a picture can be written.

    Parameters
    ----------
    path : Path
        Its suffix names the format.
    height, width : int
    transparent : bool

    Raises
    ------
    InputError
        If the suffix is not in `FORMATS`, or if the format does not support
        transparency, though it is needed, or so many pixels on a side.
    """
    name = format_of(path)
    if transparent and name in OPAQUE_FORMATS:
        raise InputError(f"{path}: {name} has no transparency: write .png, .webp or .tif")
    if max(height, width) > _MAX_SIDES.get(name, max(height, width)):
        raise InputError(
            f"{path}: {name} allows at most {_MAX_SIDES[name]:,} pixels on a side:"
            " write .png or .tif"
        )


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture in the format of the file's suffix.

    Parameters
    ----------
    path : Path
    picture : Picture
        It may have 16 bits per value only if the format is in `DEEP_FORMATS`.

    Raises
    ------
    InputError
        For the reasons of `check_format`, or if the format cannot hold the metadata.
    """
    height, width = picture.colour.shape[:2]
    check_format(path, height, width, transparent=picture.alpha is not None)
    name = format_of(path)
    try:
        if name == "TIFF":
            _write_tiff(path, picture)
        else:
            _write(path, name, picture)
    except (ValueError, RuntimeError, struct.error) as error:
        raise InputError(f"{path}: cannot be written as {name}: {error}") from error


def _write(path: Path, name: str, picture: Picture) -> None:
    pixels = picture.pixels
    options = {key: picture.metadata[key] for key in _METADATA[name] if key in picture.metadata}
    if "exif" in options:
        options["exif"] = _exif(picture)
    if name == "JPEG" and len(options.get("xmp", b"")) > _MAX_XMP:
        del options["xmp"]
    if name == "PNG":
        options["pnginfo"] = _png_chunks(picture)
        if pixels.dtype == np.uint16 and pixels.ndim == 3:
            _write_deep_png(path, pixels, options)
            return
    lossless = name == "WEBP" and picture.metadata.get("lossless")
    options |= _LOSSLESS if lossless else _SAVE_OPTIONS.get(name, {})
    Image.fromarray(pixels).save(path, format=name, **options)


def _exif(picture: Picture) -> Image.Exif:
    """Give the EXIF data with the current size of the picture."""
    exif = Image.Exif()
    exif.load(picture.metadata.get("exif", b""))
    if ExifTags.IFD.Exif in exif:
        folder = exif.get_ifd(ExifTags.IFD.Exif)
        height, width = picture.colour.shape[:2]
        size = {_WIDTH_TAG: width, _HEIGHT_TAG: height}
        folder.update({tag: side for tag, side in size.items() if tag in folder})
    return exif


def _png_chunks(picture: Picture) -> PngImagePlugin.PngInfo:
    """Give the metadata that only PNG has, and XMP, which PNG stores as a text."""
    info, metadata = PngImagePlugin.PngInfo(), picture.metadata
    if "gamma" in metadata:
        info.add(b"gAMA", struct.pack(">I", round(100_000 * metadata["gamma"])))
    if "chromaticity" in metadata:
        values = (round(100_000 * value) for value in metadata["chromaticity"])
        info.add(b"cHRM", struct.pack(">8I", *values))
    if "srgb" in metadata:
        info.add(b"sRGB", bytes([metadata["srgb"]]))
    if "xmp" in metadata:
        info.add_itxt("XML:com.adobe.xmp", metadata["xmp"])
    for key, text in metadata.get("text", {}).items():
        info.add_text(key, text, zip=len(text) > 1024)
    return info


def _write_deep_png(path: Path, pixels: np.ndarray, options: dict[str, Any]) -> None:
    """Write colours, or transparency, with 16 bits, which Pillow does not support.

    All chunks except those of the pixels are copied from what Pillow writes for a picture of one
    pixel.
    """
    height, width, channels = pixels.shape
    model = BytesIO()
    Image.new("RGB", (1, 1)).save(model, format="PNG", **options)
    lines = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    above = np.diff(lines, axis=0, prepend=np.zeros_like(lines[:1]))  # PNG's filter 2
    data = zlib.compress(np.insert(above, 0, 2, axis=1).tobytes())
    model.seek(8)
    with path.open("wb") as file:
        file.write(model.getvalue()[:8])
        while head := model.read(8):
            size, name = struct.unpack(">I4s", head)
            content = model.read(size + 4)[:-4]
            if name == b"IHDR":
                header = (width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
                content = struct.pack(">IIBBBBB", *header)
            parts = [content]
            if name == b"IDAT":
                parts = [data[place : place + _CHUNK] for place in range(0, len(data), _CHUNK)]
            for part in parts:
                PngImagePlugin.putchunk(file, name, part)


def _write_tiff(path: Path, picture: Picture) -> None:
    """Write a TIFF file with 8 or 16 bits, compressed, and with EXIF; Pillow cannot do all three.

    It consists of strips of about a megabyte. They hold, compressed by deflate, the difference of
    each pixel from its left neighbour (tag Predictor).
    """
    pixels = np.atleast_3d(picture.pixels)
    if pixels.dtype == np.uint16 and pixels.shape[-1] == 2:
        pixels = pixels[..., [0, 0, 0, 1]]  # RGBA, because Pillow cannot read grey with opacity
    height, width, channels = pixels.shape
    rows = max(1, _CHUNK // pixels[0].nbytes)
    strips = [_packed(pixels[row : row + rows]) for row in range(0, height, rows)]
    lengths = [len(strip) for strip in strips]
    tags = ImageFileDirectory_v2()
    exif = _exif(picture)
    for tag in exif:
        folder = tag in {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
        tags[tag] = exif.get_ifd(tag) if folder else exif[tag]
    values = {
        "ImageWidth": width,
        "ImageLength": height,
        "BitsPerSample": (8 * pixels.itemsize,) * channels,
        "Compression": 8,
        "PhotometricInterpretation": 2 if channels >= 3 else 1,
        "StripOffsets": tuple(np.cumsum([0, *lengths[:-1]]).tolist()),  # from the end of the tags
        "SamplesPerPixel": channels,
        "RowsPerStrip": rows,
        "StripByteCounts": tuple(lengths),
        "Predictor": 2,
        "XMLPacket": picture.metadata.get("xmp"),
        "InterColorProfile": picture.metadata.get("icc_profile"),
    }
    if picture.alpha is not None:
        values["ExtraSamples"] = 2
    if dpi := picture.metadata.get("dpi"):
        values |= {"ResolutionUnit": 2, "XResolution": dpi[0], "YResolution": dpi[1]}
    for name, value in values.items():
        if value is not None:
            tags[ExifTags.Base[name]] = value
    with path.open("wb") as file:
        tags.save(file)
        file.writelines(strips)


def _packed(strip: np.ndarray) -> bytes:
    differences = np.diff(strip, axis=1, prepend=np.zeros_like(strip[:, :1]))
    return zlib.compress(differences.astype(strip.dtype.newbyteorder("<")).tobytes())
