"""The command `convlab`, which applies the trained networks to users' own pictures.

This file defines the commands and their options. Their code is imported only when they are called,
because importing torch takes seconds.
"""

import sys
from pathlib import Path

import click

from convlab.core.script import one_line_errors

PATH = click.Path(path_type=Path)
OUTPUT_FORMATS = ("same", "png", "jpeg", "webp", "tiff", "avif")

recursive_option = click.option(
    "-r", "--recursive", is_flag=True, help="Also read subfolders, and keep them apart."
)
force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")
superres_option = click.option(
    "--model",
    type=PATH,
    help="The network's file, or a folder with a run; it determines the upscaling factor.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convlab")
def convlab() -> None:
    """Use the trained networks on your own pictures, and export the networks.

    The networks are those of a run in the current folder; if there is none,
    those of `make repro` or `make demo`. The variable CONVLAB_HOME names the
    folder of another run; options such as --model name a network.
    """


@convlab.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH)
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="The upscaled picture; for several pictures or a folder: the folder to write to.  "
    "[default: the input's folder and name, with -x2 at the end]",
)
@recursive_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(OUTPUT_FORMATS),
    default="same",
    show_default=True,
    help="Format to write.",
)
@superres_option
@force_option
@click.option("--compare", is_flag=True, help="Also write NAME.compare.png: bicubic | network.")
def upscale(
    inputs: tuple[Path, ...],
    output: Path | None,
    file_format: str,
    model: Path | None,
    *,
    recursive: bool,
    force: bool,
    compare: bool,
) -> None:
    """Upscale pictures: files, or all pictures in a folder.

    Reads JPEG, PNG, WebP, TIFF, AVIF and BMP: grey, RGB, palette, CMYK, 8 or
    16 bits, with or without transparency. Of several frames, only the first is
    upscaled. The network upscales the luminance; colour is interpolated.
    Metadata are kept if the format can hold them. CMYK is converted to sRGB.
    """
    from convlab.cli.upscale import upscale_files

    upscale_files(
        inputs,
        output,
        model,
        file_format=file_format,
        recursive=recursive,
        force=force,
        compare=compare,
    )


@convlab.command()
@click.argument("folder", type=PATH)
@recursive_option
@superres_option
@click.option(
    "--self-ensemble", is_flag=True, help="Also measure the mean over eight flips and transposes."
)
def evaluate(folder: Path, model: Path | None, *, recursive: bool, self_ensemble: bool) -> None:
    """Measure PSNR and SSIM of every method on a folder of pictures.

    Each picture is downscaled and upscaled again, and the result is compared
    with the original on luminance, by the protocol of super-resolution papers.
    Use it on Set5, Set14, Urban100 or pictures of your own. A grey picture is
    used as luminance.
    """
    from convlab.cli.evaluate import evaluate_folder

    evaluate_folder(folder, model, recursive=recursive, self_ensemble=self_ensemble)


@convlab.command()
@click.argument("images", nargs=-1, required=True, type=PATH)
@recursive_option
@click.option("--model", type=PATH, help="The network's file, or a folder with a run.")
@click.option(
    "--explain",
    metavar="FOLDER",
    type=PATH,
    help="Draw each digit's feature maps, as NAME.maps.png in this folder; of several digits in a "
    "picture, as NAME.1.maps.png and so on.",
)
@force_option
def digits(
    images: tuple[Path, ...],
    model: Path | None,
    explain: Path | None,
    *,
    recursive: bool,
    force: bool,
) -> None:
    """Classify drawn or photographed digits.

    A picture shows one digit, dark on light or light on dark, or a sheet of
    paper with several, plain, ruled or squared, also photographed from an angle
    on something darker. Each digit is found, scaled and centred as in MNIST.
    Prints the predicted class and the ten probabilities; of several digits, row
    by row from left to right, each predicted class and its probability.
    """
    from convlab.cli.digits import classify_files

    classify_files(images, model, explain, recursive=recursive, force=force)


@convlab.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    help="Folder to write superres.onnx and digits.onnx to.",
)
@click.option("--superres", type=PATH, help="The network's file, or a folder with a run.")
@click.option("--digits", type=PATH, help="The network's file, or a folder with a run.")
@force_option
def export(output: Path, superres: Path | None, digits: Path | None, *, force: bool) -> None:
    """Write both networks as ONNX, and compare their outputs with torch.

    The batch size is not fixed, and neither are the height and width of
    pictures. The metadata of the files describe inputs, outputs, scale and
    version.
    """
    from convlab.cli.export import export_networks

    export_networks(output, superres, digits, force=force)


def main() -> None:
    """Run the command; report an error that the user can correct in one line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # file names may hold any character
    with one_line_errors("convlab"):
        convlab()
