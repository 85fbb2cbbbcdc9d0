"""People's own pictures: whatever a camera, a scanner or a paint program writes."""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps

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
_STRUCTURE = {
    *(254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325),
    *(330, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532, 34675),
    ExifTags.Base.Orientation,
}
"""Tags of TIFF, so of EXIF, that say how the pixels lie in the file that was read."""
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

    def grey(self) -> np.ndarray:
        """Luminance, on white where it is transparent; uint8, shape (height, width)."""
        plane = self.colour if self.colour.ndim == 2 else luminance(self.colour)
        if self.alpha is None:
            return plane
        return to_bytes(255 + self.alpha / 255 * (plane.astype(float) - 255))


def read_picture(path: Path) -> Picture:
    """Read a picture of any of the kinds in `SUFFIXES`.

    A palette becomes RGB, black and white becomes grey, CMYK becomes sRGB by
    its profile if it has one, 16 bits become 8, of an animation the first
    picture is taken, and what the EXIF orientation says is done.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind or too large.
    """
    with open_image(path, tuple(dict.fromkeys(SUFFIXES.values())), MOST_PIXELS) as image:
        if image.mode in {"I", "F"}:
            raise InputError(f"{path}: has 32 bits for a grey: convert it to 8 or 16")
        return _read(image)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture in the format that the file's suffix names.

    Raises
    ------
    InputError
        If the format is none of `SUFFIXES`, or has no place for what is transparent.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if not kind:
        raise InputError(f"{path}: must end with one of {', '.join(SUFFIXES)}")
    if picture.alpha is not None and kind == "JPEG":
        raise InputError(f"{path}: {kind} has no transparency: write .png, .webp or .tif")
    layers = [picture.colour] if picture.alpha is None else [picture.colour, picture.alpha]
    image = Image.fromarray(np.dstack(layers).squeeze())
    extras = {} if kind == "BMP" else picture.extras
    image.save(path, format=kind, **_SAVING.get(kind, {}), **extras)


def _read(image: ImageFile.ImageFile) -> Picture:
    exif = image.getexif()
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "CMYK":
        upright, profile = _to_rgb(upright, profile), None
    has_alpha = "transparency" in upright.info or upright.mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    alpha = np.asarray(upright.convert("RGBA"))[..., 3] if has_alpha else None
    for tag in _STRUCTURE & exif.keys():
        del exif[tag]
    extras = {"icc_profile": profile, "exif": exif.tobytes() if len(exif) else None}
    kept = {name: value for name, value in extras.items() if value}
    return Picture(_colour(upright), alpha, kept)


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
