"""Write the BSDS500 photographs to data/raw/bsds500, and check each by its sha256.

Parameters: block download_bsds of params.yaml. The variable CONVLAB_MIRROR
names a folder or a base URL to try first. An interrupted download is resumed.
"""

import os
from functools import partial
from pathlib import Path

from convlab.core.outputs import atomic_folder, remove
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.data.bsds import PUBLISHED, DownloadBsds, unpack_photos
from convlab.data.bundled import write_photos
from convlab.data.fetch import fetch

PARTIAL = Path(".work/downloads/bsds500")


def main() -> None:
    params = read_block(Path("params.yaml"), "download_bsds", DownloadBsds)
    with atomic_folder(Path("data/raw/bsds500")) as folder:
        if params.source == "bundled":
            write_photos(folder)
        else:
            fetch(
                "bsds500/BSR_bsds500.tgz",
                PUBLISHED,
                partial(unpack_photos, folder=folder),
                mirror=os.environ.get("CONVLAB_MIRROR"),
                partial_folder=PARTIAL,
            )
    remove(PARTIAL)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/download_bsds.lock")):
        main()
