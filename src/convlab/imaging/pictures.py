"""People's own pictures: whatever a camera, a scanner or a paint program writes."""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps
from scipy.ndimage import distance_transform_edt

from convlab.data.photos import open_image
from convlab.errors import InputError
from convlab.imaging.colour import luminance, to_bytes

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""What can be read and written, and what Pillow calls it."""
MOST_PIXELS = 2**27
"""134 megapixels: the largest cameras; enlarged x2, half a gigapixel."""
_BITS, _MEANING, _PLANES = (
    ExifTags.Base[name]
    for name in ("BitsPerSample", "PhotometricInterpretation", "PlanarConfiguration")
)
_WIDTH, _HEIGHT = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_SEEN = 16
"""Grey levels between the darkest and the brightest of a picture that shows something."""
_LONGEST = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels on a side that a format has room for, where a picture may have more."""
_OPAQUE = {"JPEG", "BMP"}
"""Formats that lose transparency."""
_DESCRIPTIVE = {
    ExifTags.Base[name]
    for name in (
        *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright"),
        *("XResolution", "YResolution", "ResolutionUnit", "Rating", "RatingPercent"),
        *("XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
        *("ExifOffset", "GPSInfo"),
    )
}
"""Tags of TIFF, so of EXIF, that hold of the enlarged picture, too; most others say how the
pixels lie in the file that was read."""
_SAVING = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_deflate"},
}


@dataclass
class Picture:
    """Pixels, and what else a file says of them."""

    colour: np.ndarray
    """uint8, shape (height, width) if grey, or (height, width, 3) for RGB; upright."""
    alpha: np.ndarray | None = None
    """uint8, shape (height, width): 0 is transparent."""
    extras: dict[str, Any] = field(default_factory=dict)
    """ICC profile and EXIF as Pillow's `save` takes them; the orientation is that of the pixels."""

    def on(self, ground: int) -> np.ndarray:
        """The picture on a grey level, where it is transparent; of the shape of `colour`."""
        if self.alpha is None:
            return self.colour
        share = (self.alpha / 255).reshape(*self.alpha.shape, *[1] * (self.colour.ndim - 2))
        return to_bytes(ground + share * (self.colour.astype(float) - ground))

    def grey(self) -> np.ndarray:
        """Light and dark of what is seen of it; uint8, shape (height, width).

        On white where it is transparent, or on black if nothing could be seen on white.
        """
        seen = self.on(255)
        if np.ptp(seen) < _SEEN:
            seen = self.on(0)
        return seen if seen.ndim == 2 else luminance(seen)

    def without_hidden_colours(self) -> np.ndarray:
        """The colour, and where it is transparent altogether, that of the nearest that is not.

        What nobody sees, often black, would else bleed into what they see when it
        is interpolated. Shape as `colour`.
        """
        if self.alpha is None or self.alpha.all() or not self.alpha.any():
            return self.colour
        nearest = distance_transform_edt(
            self.alpha == 0, return_distances=False, return_indices=True
        )
        return self.colour[tuple(nearest)]


def read_picture(path: Path, most_pixels: int = MOST_PIXELS) -> Picture:
    """Read a picture of any of the kinds in `SUFFIXES`.

    A palette becomes RGB, black and white becomes grey, CMYK becomes sRGB by
    its profile if it has one, 16 bits become 8, of an animation or several
    pages the first picture is taken, and what the EXIF orientation says is done.

    Parameters
    ----------
    path : Path
    most_pixels : int
        What is larger is refused before it takes memory.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind or too large.
    """
    with open_image(path, tuple(dict.fromkeys(SUFFIXES.values())), most_pixels) as image:
        if image.mode in {"I", "F"}:
            raise InputError(f"{path}: has 32 bits for a grey: convert it to 8 or 16")
        tags = getattr(image, "tag_v2", {})
        if tags.get(_BITS, (8,))[0] == 16 and tags.get(_PLANES) == 2:
            raise InputError(f"{path}: has 16 bits in planes of their own: convert it to 8")
        return _read(image)


def check_format(path: Path, height: int, width: int, *, transparent: bool) -> None:
    """See that a picture can be written, before hours of work.

    Parameters
    ----------
    path : Path
        Whose suffix names the format.
    height, width : int
    transparent : bool

    Raises
    ------
    InputError
        If the format is none of `SUFFIXES`, has no transparency, or no room for as many pixels.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if not kind:
        raise InputError(f"{path}: must end with one of {', '.join(SUFFIXES)}")
    if transparent and kind in _OPAQUE:
        raise InputError(f"{path}: {kind} has no transparency: write .png, .webp or .tif")
    if max(height, width) > _LONGEST.get(kind, max(height, width)):
        raise InputError(
            f"{path}: {kind} has no room for more than {_LONGEST[kind]:,} pixels on a side:"
            " write .png or .tif"
        )


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture in the format that the file's suffix names.

    Parameters
    ----------
    path : Path
    picture : Picture

    Raises
    ------
    InputError
        As `check_format`; also if the format cannot hold its EXIF data.
    """
    height, width = picture.colour.shape[:2]
    check_format(path, height, width, transparent=picture.alpha is not None)
    layers = [picture.colour] if picture.alpha is None else [picture.colour, picture.alpha]
    pixels = np.dstack(layers)
    kind = SUFFIXES[path.suffix.lower()]
    options = _SAVING.get(kind, {}) | ({} if kind == "BMP" else _extras(picture))
    if kind == "TIFF" and "exif" in options:
        del options["compression"]  # libtiff has no place for EXIF's own folders
    try:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(
            path, format=kind, **options
        )
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be written as {kind}: {error}") from error


def _extras(picture: Picture) -> dict[str, Any]:
    """What else is said of a picture, with its size as it is now."""
    if "exif" not in picture.extras:
        return picture.extras
    exif = Image.Exif()
    exif.load(picture.extras["exif"])
    if ExifTags.IFD.Exif in exif:
        inside = exif.get_ifd(ExifTags.IFD.Exif)
        size = {_WIDTH: picture.colour.shape[1], _HEIGHT: picture.colour.shape[0]}
        inside.update({tag: side for tag, side in size.items() if tag in inside})
    return picture.extras | {"exif": exif}


def _read(image: ImageFile.ImageFile) -> Picture:
    exif = image.getexif()
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "CMYK":
        upright, profile = _to_rgb(upright, profile), None
    has_alpha = "transparency" in upright.info or upright.mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    alpha = np.asarray(upright.convert("RGBA"))[..., 3] if has_alpha else None
    for tag in exif.keys() - _DESCRIPTIVE:
        del exif[tag]
    extras = {"icc_profile": profile, "exif": exif.tobytes() if len(exif) else None}
    kept = {name: value for name, value in extras.items() if value}
    colour = _colour(upright)
    inverted = getattr(image, "tag_v2", {}).get(_MEANING) == 0 and upright.mode.startswith("I;16")
    return Picture(255 - colour if inverted else colour, alpha, kept)


def _colour(image: Image.Image) -> np.ndarray:
    if image.mode in {"1", "L", "LA", "La"}:
        return np.array(image.convert("L"))
    if image.mode.startswith("I;16"):
        return to_bytes(np.asarray(image) / 257)
    return np.array(image.convert("RGBA"))[..., :3].copy()


def _to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Turn CMYK into sRGB, by its profile if it has a sound one."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            return ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # then as if it had none
    return image.convert("RGB")
