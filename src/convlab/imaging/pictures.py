"""Reading and writing users' pictures: what cameras, scanners and paint programs save."""

from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile
from scipy.ndimage import distance_transform_edt

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
    ".bmp": "BMP",
}
"""Pillow's name of each format that can be read and written, by the file's suffix."""
MAX_PIXELS = 2**27
"""134 megapixels, as the largest cameras have; upscaled x2, they are half a gigapixel."""
_BITS_TAG, _PHOTOMETRIC_TAG, _PLANAR_TAG = (
    ExifTags.Base[name]
    for name in ("BitsPerSample", "PhotometricInterpretation", "PlanarConfiguration")
)
_WIDTH_TAG, _HEIGHT_TAG = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_VISIBLE_CONTRAST = 16
"""Grey levels: with a smaller range, a picture is taken for blank."""
_MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}
"""Largest height and width, in pixels, of the formats that limit them."""
_OPAQUE_FORMATS = {"JPEG", "BMP"}
"""Formats without transparency."""
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
"""What turns a picture upright, by its EXIF orientation."""
_SAVE_OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_deflate"},
}


@dataclass
class Picture:
    """Pixels, transparency and metadata of a picture."""

    colour: np.ndarray
    """uint8, shape (height, width) if grey, (height, width, 3) if RGB; upright."""
    alpha: np.ndarray | None = None
    """Opacity, uint8, shape (height, width): 0 is transparent, 255 opaque."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """ICC profile and EXIF as Pillow's `save` takes them, without the orientation."""

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
        if self.alpha is None:
            return self.colour
        opacity = (self.alpha / 255).reshape(*self.alpha.shape, *[1] * (self.colour.ndim - 2))
        return to_bytes(level + opacity * (self.colour.astype(float) - level))

    def grey(self) -> np.ndarray:
        """Give the luminance on white or, if the picture is blank on white, on black.

        Returns
        -------
        ndarray of uint8, shape (height, width)
        """
        blended = self.on_background(255)
        if np.ptp(blended) < _VISIBLE_CONTRAST:
            blended = self.on_background(0)
        return blended if blended.ndim == 2 else luminance(blended)

    def fill_transparent(self) -> np.ndarray:
        """Give fully transparent pixels the colour of the nearest pixel that is not.

        Their own colour is invisible and often black; interpolation would mix
        it into the visible pixels beside them.

        Returns
        -------
        ndarray of uint8, of the shape of `colour`
        """
        if self.alpha is None or self.alpha.all() or not self.alpha.any():
            return self.colour
        nearest = distance_transform_edt(
            self.alpha == 0, return_distances=False, return_indices=True
        )
        return self.colour[tuple(nearest)]


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture in one of `FORMATS`.

    A palette becomes RGB; black and white becomes grey; CMYK becomes sRGB, by
    its profile if it has one; 16 bits become 8; of several frames or pages
    the first is read. The EXIF orientation is applied.

    Parameters
    ----------
    path : Path
    max_pixels : int
        A larger picture is refused before it takes memory.

    Returns
    -------
    Picture

    Raises
    ------
    InputError
        If the file is missing, damaged, too large or of another kind.
    """
    with open_image(path, tuple(dict.fromkeys(FORMATS.values())), max_pixels) as image:
        if image.mode in {"I", "F"}:
            raise InputError(f"{path}: has 32 bits per pixel of grey: convert it to 8 or 16")
        tags = getattr(image, "tag_v2", {})
        if tags.get(_BITS_TAG, (8,))[0] == 16 and tags.get(_PLANAR_TAG) == 2:
            # Pillow takes each 16-bit value for two pixels.
            raise InputError(f"{path}: has separate 16-bit colour planes: convert it to 8 bits")
        return _read(image)


def check_format(path: Path, height: int, width: int, *, transparent: bool) -> None:
    """Check that a picture can be written, before hours of work.

    Parameters
    ----------
    path : Path
        Its suffix names the format.
    height, width : int
    transparent : bool

    Raises
    ------
    InputError
        If the format is not in `FORMATS`, has no transparency, or does not
        allow so many pixels on a side.
    """
    name = FORMATS.get(path.suffix.lower())
    if not name:
        raise InputError(f"{path}: must end with one of {', '.join(FORMATS)}")
    if transparent and name in _OPAQUE_FORMATS:
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

    Raises
    ------
    InputError
        As `check_format`; also if the format cannot hold the metadata.
    """
    height, width = picture.colour.shape[:2]
    check_format(path, height, width, transparent=picture.alpha is not None)
    planes = [picture.colour] if picture.alpha is None else [picture.colour, picture.alpha]
    pixels = np.dstack(planes)
    name = FORMATS[path.suffix.lower()]
    options = _SAVE_OPTIONS.get(name, {}) | ({} if name == "BMP" else _updated_metadata(picture))
    if name == "TIFF" and "exif" in options:
        del options["compression"]  # libtiff, which compresses, has no place for EXIF's folders
    try:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(
            path, format=name, **options
        )
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be written as {name}: {error}") from error


def _updated_metadata(picture: Picture) -> dict[str, Any]:
    """Metadata with the size that the picture has now."""
    if "exif" not in picture.metadata:
        return picture.metadata
    exif = Image.Exif()
    exif.load(picture.metadata["exif"])
    if ExifTags.IFD.Exif in exif:
        folder = exif.get_ifd(ExifTags.IFD.Exif)
        height, width = picture.colour.shape[:2]
        size = {_WIDTH_TAG: width, _HEIGHT_TAG: height}
        folder.update({tag: side for tag, side in size.items() if tag in folder})
    return picture.metadata | {"exif": exif}


def _read(image: ImageFile.ImageFile) -> Picture:
    image.load()  # what stands behind the pixels is known from here on
    exif = _copy_exif(image)
    profile = image.info.get("icc_profile")
    upright = _turn_upright(image)
    if upright.mode == "CMYK":
        upright, profile = _cmyk_to_srgb(upright, profile), None
    has_alpha = "transparency" in upright.info or upright.mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    alpha = np.asarray(upright.convert("RGBA"))[..., 3] if has_alpha else None
    metadata = {name: value for name, value in (("icc_profile", profile), ("exif", exif)) if value}
    colour = _to_8_bits(upright)
    white_is_zero = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC_TAG) == 0
    if white_is_zero and upright.mode.startswith("I;16"):  # Pillow inverts only 8 bits
        colour = 255 - colour
    return Picture(colour, alpha, metadata)


def _turn_upright(image: ImageFile.ImageFile) -> Image.Image:
    """Apply the EXIF orientation; Pillow's function for it fails at tags that it cannot write."""
    orientation = 1
    with suppress(Exception):  # EXIF data that cannot be read
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _copy_exif(image: ImageFile.ImageFile) -> bytes | None:
    """Copy the EXIF tags that are kept, without those that Pillow cannot read or write."""
    copy = Image.Exif()  # of its own, since that of a BigTIFF is a BigTIFF, too
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
    """Choose the tags whose values Pillow can read and write; it raises any exception."""
    sound = {}
    for name in names:
        with suppress(Exception):
            trial = Image.Exif()
            place = trial if folder is None else trial.get_ifd(folder)
            place[name] = tags[name]
            trial.tobytes()
            sound[name] = tags[name]
    return sound


def _to_8_bits(image: Image.Image) -> np.ndarray:
    """Grey or RGB, without transparency."""
    if image.mode in {"1", "L", "LA", "La"}:
        return np.array(image.convert("L"))
    if image.mode.startswith("I;16"):
        return to_bytes(np.asarray(image) / 257)
    return np.array(image.convert("RGBA"))[..., :3].copy()


def _cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert by the profile if there is a valid one, else by Pillow's formula."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            return ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")
