"""Write the MNIST digits to data/raw/MNIST, and check each file by its sha256.

Parameters: block download_mnist of params.yaml. The variable CONVLAB_MIRROR
names a folder or a base URL to try first. An interrupted download is resumed.
"""

import os
from functools import partial
from pathlib import Path

from convlab.core.outputs import atomic_folder, remove
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.data.bundled import write_digits
from convlab.data.fetch import fetch
from convlab.data.mnist import CHECKSUMS, PUBLISHED, DownloadMnist, unpack_digits

PARTIAL = Path(".work/downloads/mnist")


def main() -> None:
    params = read_block(Path("params.yaml"), "download_mnist", DownloadMnist)
    with atomic_folder(Path("data/raw/MNIST")) as folder:
        if params.source == "bundled":
            write_digits(folder)
        else:
            for name in CHECKSUMS:
                fetch(
                    f"mnist/{name}.gz",
                    [f"{base}/{name}.gz" for base in PUBLISHED],
                    partial(unpack_digits, folder=folder, name=name),
                    mirror=os.environ.get("CONVLAB_MIRROR"),
                    partial_folder=PARTIAL,
                )
    remove(PARTIAL)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/download_mnist.lock")):
        main()
