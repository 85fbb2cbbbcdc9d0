"""Read users' pictures, from cameras, scanners and paint programs."""

import re
import struct
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from convlab.core.errors import InputError
from convlab.data.photos import open_image
from convlab.imaging.colour import luminance, to_bytes

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".bmp": "BMP",
}
"""Pillow's name of each format that can be read and written, by the file's suffix."""
MAX_PIXELS = 2**27
"""134 megapixels, as of the largest cameras; upscaled x2, half a gigapixel."""
_BITS_TAG, _PHOTOMETRIC_TAG, _PLANAR_TAG = (
    ExifTags.Base[name]
    for name in ("BitsPerSample", "PhotometricInterpretation", "PlanarConfiguration")
)
_WIDTH_TAG, _HEIGHT_TAG = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_VISIBLE_CONTRAST = 16
"""A picture with a smaller range of grey levels is treated as blank."""
_KEPT_TAGS = {
    ExifTags.Base[name]
    for name in (
        *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright"),
        *("XResolution", "YResolution", "ResolutionUnit", "Rating", "RatingPercent"),
        *("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
    )
}
"""EXIF tags that are still true after upscaling; most others describe how the original file
stored its pixels."""
_KEPT_FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""Folders of EXIF whose tags are kept."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns a picture upright, by its EXIF orientation."""
_DEEP_KINDS = {"RGB", "RGBX", "RGBA"}
_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""The opposite byte order. Pillow reads only the upper bytes of 16-bit colours; with the opposite
byte order it reads the lower ones."""
_XMP_ORIENTATION = re.compile(
    rb'tiff:Orientation="[0-9]"|<tiff:Orientation>[0-9]</tiff:Orientation>'
)
_STRUCTURED_TEXTS = ("XML:com.adobe.xmp", "Raw profile type ")
"""Names of texts in PNG files that are not for people: XMP, and EXIF from older programs."""
_MAX_DPI = 65_535


@dataclass
class Picture:
    """Pixels, transparency and metadata of a picture."""

    colour: np.ndarray
    """uint8 or uint16, shape (height, width) if grey, (height, width, 3) if RGB; upright."""
    alpha: np.ndarray | None = None
    """Opacity, of the dtype of `colour`, shape (height, width): 0 is transparent."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Keys are Pillow's names: `icc_profile`, `exif` (without the orientation), `xmp`, `dpi`, and
    for PNG `gamma`, `chromaticity`, `srgb` and `text`; also `lossless` for a lossless WebP file."""
    frames: int = 1
    """Number of frames in the file; this is the first one."""

    @property
    def pixels(self) -> np.ndarray:
        """Colour and, if there is one, opacity: (height, width) or (height, width, channels)."""
        return self.colour if self.alpha is None else np.dstack([self.colour, self.alpha])

    @property
    def is_opaque(self) -> bool:
        """Whether no pixel is transparent."""
        return self.alpha is None or self.alpha.min() == np.iinfo(self.alpha.dtype).max

    def with_pixels(self, pixels: np.ndarray) -> "Picture":
        """Give a picture with the same metadata and other pixels, laid out as in `pixels`.

        Returns
        -------
        Picture
        """
        if self.alpha is None:
            return replace(self, colour=pixels)
        colour = pixels[..., 0] if self.colour.ndim == 2 else pixels[..., :3]
        return replace(self, colour=colour, alpha=pixels[..., -1])

    def on_background(self, level: int) -> np.ndarray:
        """Blend the picture with a background of one grey level.

        Parameters
        ----------
        level : int
            0 (black) to 255 (white).

        Returns
        -------
        ndarray of uint8, of the shape of `colour`
        """
        most = np.iinfo(self.colour.dtype).max
        if self.alpha is None:
            return to_bytes(self.colour / (most / 255)) if most > 255 else self.colour
        opacity = (self.alpha / most).reshape(*self.alpha.shape, *[1] * (self.colour.ndim - 2))
        return to_bytes(level + opacity * (self.colour * (255 / most) - level))

    def grey(self) -> np.ndarray:
        """Give the luminance on a white background or, if that is blank, on a black background.

        Returns
        -------
        ndarray of uint8, shape (height, width)
        """
        blended = self.on_background(255)
        if np.ptp(blended) < _VISIBLE_CONTRAST:
            blended = self.on_background(0)
        return blended if blended.ndim == 2 else luminance(blended)


def read_picture(path: Path, max_pixels: int = MAX_PIXELS, *, deep: bool = False) -> Picture:
    """Read a picture in one of `FORMATS`.

    A palette is converted to RGB, black and white to grey, CMYK (by its profile, if it has one) and
    Lab to sRGB. If there are several frames or pages, the first one is read. The EXIF orientation
    is applied.

    Parameters
    ----------
    path : Path
    max_pixels : int
        A larger picture is refused before it is decoded.
    deep : bool
        Whether to keep 16 bits per value; else they are rounded to 8.

    Returns
    -------
    Picture

    Raises
    ------
    InputError
        If the file is missing, damaged, too large or of another kind.
    """
    formats = tuple(dict.fromkeys(FORMATS.values()))
    with open_image(path, formats, max_pixels) as image:
        if image.mode in {"I", "F"}:
            raise InputError(f"{path}: has 32 bits per pixel of grey: convert it to 8 or 16")
        tags = getattr(image, "tag_v2", {})
        if tags.get(_BITS_TAG, (8,))[0] == 16 and tags.get(_PLANAR_TAG) == 2:
            # Pillow reads each 16-bit value as two pixels.
            raise InputError(f"{path}: has separate 16-bit colour planes: convert it to 8 bits")
        frames = _count_frames(image)
        stored = {tile.args if isinstance(tile.args, str) else tile.args[0] for tile in image.tile}
        picture = _read(image, frames)
        if image.format == "WEBP" and _is_lossless(path):
            picture.metadata["lossless"] = True
    if deep and len(stored) == 1 and (second := _second_reading(*stored)):
        with open_image(path, formats, max_pixels) as image:
            image.tile = [_stored_as(tile, second) for tile in image.tile]
            _add_lower_bytes(picture, image, grey=stored == {"LA;16B"})
    return picture if deep else _to_8_bits(picture)


def _count_frames(image: ImageFile.ImageFile) -> int:
    """Count frames or pages; the extra images that phones add to JPEG files do not count."""
    if image.format == "MPO":
        return 1
    with suppress(Exception):  # a damaged page behind the first
        return getattr(image, "n_frames", 1)
    return 1


def _read(image: ImageFile.ImageFile, frames: int) -> Picture:
    image.load()  # metadata that follows the pixels in the file is known only after this
    metadata = _metadata(image)
    upright = _turn_upright(image)
    if upright.mode in {"CMYK", "LAB"}:
        upright = _to_srgb(upright, metadata.pop("icc_profile", None))
    colour, alpha = _planes(upright)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) == 0 and colour.dtype == np.uint16:
        colour = np.iinfo(np.uint16).max - colour  # white is 0; Pillow inverts only 8 bits
    profile = metadata.get("icc_profile")
    if profile and profile[16:20] != (b"GRAY" if colour.ndim == 2 else b"RGB "):
        del metadata["icc_profile"]  # such as a profile for grey, after a palette became RGB
    return Picture(colour, alpha, metadata, frames)


def _planes(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Give grey or RGB values, and opacity or None."""
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        colour = np.array(image, dtype=np.uint16)
        return colour, None if key is None else np.where(colour == key, 0, 65_535).astype(np.uint16)
    has_alpha = key is not None or image.mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    rgba = np.array(image.convert("RGBA"))
    is_grey = image.mode in {"1", "L", "LA", "La"}
    colour = rgba[..., 0] if is_grey else rgba[..., :3]
    return colour.copy(), rgba[..., 3].copy() if has_alpha else None


def _second_reading(stored: str) -> str | None:
    """Give the mode in which to read 16-bit colours again, for what the first reading left out."""
    if stored == "LA;16B":  # has the same layout in the file as RGBA
        return "RGBA"
    kind, _, order = stored.partition(";")
    return f"{kind};{_OTHER_BYTE[order]}" if kind in _DEEP_KINDS and order in _OTHER_BYTE else None


def _stored_as(tile: ImageFile._Tile, stored: str) -> ImageFile._Tile:
    return tile._replace(args=stored if isinstance(tile.args, str) else (stored, *tile.args[1:]))


def _add_lower_bytes(picture: Picture, image: ImageFile.ImageFile, *, grey: bool) -> None:
    """Add the lower bytes to 16-bit colours; for grey with opacity, replace all bytes."""
    image.load()
    values = np.asarray(_turn_upright(image)).astype(np.uint16)
    if grey:
        values = values[..., ::2] << 8 | values[..., 1::2]
        picture.colour, picture.alpha = values[..., 0], values[..., 1]
        return
    picture.colour = picture.colour.astype(np.uint16) << 8 | values[..., :3]
    if picture.alpha is None:
        return
    if values.shape[-1] == 4:
        picture.alpha = picture.alpha.astype(np.uint16) << 8 | values[..., 3]
        return
    key = np.array(image.info["transparency"])
    picture.alpha = np.where((picture.colour == key).all(axis=-1), 0, 65_535).astype(np.uint16)


def _to_8_bits(picture: Picture) -> Picture:
    """Round 16 bits to 8."""
    if picture.colour.dtype == np.uint16:
        picture.colour = to_bytes(picture.colour / 257)
        picture.alpha = None if picture.alpha is None else to_bytes(picture.alpha / 257)
    return picture


def _metadata(image: ImageFile.ImageFile) -> dict[str, Any]:
    """Collect the metadata to keep, by the names in `Picture.metadata`."""
    names = ("icc_profile", "gamma", "chromaticity", "srgb")
    metadata = {name: image.info.get(name) for name in names} | {"exif": _copy_exif(image)}
    if xmp := image.info.get("xmp"):
        metadata["xmp"] = _XMP_ORIENTATION.sub(b"", xmp.encode() if isinstance(xmp, str) else xmp)
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
        dpi = tuple(float(value) for value in image.info["dpi"])
        metadata["dpi"] = dpi if all(0 < value <= _MAX_DPI for value in dpi) else None
    if image.format == "PNG" and not image.is_animated:  # else Pillow reads to the last frame
        metadata["text"] = {
            key: text for key, text in image.text.items() if not key.startswith(_STRUCTURED_TEXTS)
        }
    return {name: value for name, value in metadata.items() if value not in (None, {})}


def _is_lossless(path: Path) -> bool:
    """Tell whether a WebP file, or its first frame, is lossless, by the name of its chunk."""
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name in {b"VP8 ", b"VP8L"}:
                return name == b"VP8L"
            file.seek(16 if name == b"ANMF" else size + size % 2, 1)  # a frame consists of chunks
    return False


def _turn_upright(image: ImageFile.ImageFile) -> Image.Image:
    """Apply the EXIF orientation; Pillow's own function fails if it cannot write all tags."""
    orientation = 1
    with suppress(Exception):  # EXIF data that cannot be read
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _copy_exif(image: ImageFile.ImageFile) -> bytes | None:
    """Copy the EXIF tags that are kept, without those that Pillow cannot read or write."""
    copy = Image.Exif()  # a new one, because a copy of a BigTIFF's data would be a BigTIFF, too
    with suppress(Exception):
        exif = image.getexif()
        copy.update(_sound_tags(exif, _KEPT_TAGS & exif.keys()))
        for folder in _KEPT_FOLDERS:
            tags = exif.get_ifd(folder)
            if sound := _sound_tags(tags, tags.keys() - {ExifTags.IFD.Interop}, folder):
                copy.get_ifd(folder).update(sound)
    data = copy.tobytes()
    return data if data != Image.Exif().tobytes() else None


def _sound_tags(
    tags: MutableMapping[int, Any], names: Iterable[int], folder: int | None = None
) -> dict[int, Any]:
    """Choose the tags that Pillow can read and write; for others it raises various exceptions."""
    sound = {}
    for name in names:
        with suppress(Exception):
            trial = Image.Exif()
            place = trial if folder is None else trial.get_ifd(folder)
            place[name] = tags[name]
            trial.tobytes()
            sound[name] = tags[name]
    return sound


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert Lab, or CMYK: by its profile if it has a valid one, else by Pillow's formula."""
    srgb = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    return image.convert("RGB")
