"""Leave the MNIST digits in data/raw/mnist, every file checked by its sha256.

Takes `download_mnist` of params.yaml. CONVLAB_MIRROR names a folder or a base
URL to try first. A download that breaks off goes on where it stopped.
"""

import os
from pathlib import Path

from convlab.checksums import output_folder
from convlab.data.bundled import write_digits
from convlab.data.mnist import DownloadMnist, download_mnist
from convlab.files import remove
from convlab.params import read_block
from convlab.script import script

PARAMS = Path("params.yaml")
DIGITS = Path("data/raw/mnist")
PARTIAL = Path(".work/downloads/mnist")


def main() -> None:
    params = read_block(PARAMS, "download_mnist", DownloadMnist)
    with output_folder(DIGITS) as folder:
        if params.source == "bundled":
            write_digits(folder)
        else:
            mirror = os.environ.get("CONVLAB_MIRROR")
            download_mnist(folder, partial_folder=PARTIAL, mirror=mirror)
    remove(PARTIAL)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/download_mnist.lock")):
        main()
