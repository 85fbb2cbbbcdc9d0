"""Leave the BSDS500 photographs in data/raw/bsds500, every one checked by its sha256.

Takes `download_bsds` of params.yaml. CONVLAB_MIRROR names a folder or a base
URL to try first. A download that breaks off goes on where it stopped.
"""

import os
from pathlib import Path

from convlab.checksums import output_folder
from convlab.data.bsds import DownloadBsds, download_bsds
from convlab.data.bundled import write_photos
from convlab.files import remove
from convlab.params import read_block
from convlab.script import script

PARAMS = Path("params.yaml")
PHOTOS = Path("data/raw/bsds500")
PARTIAL = Path(".work/downloads/bsds500")


def main() -> None:
    params = read_block(PARAMS, "download_bsds", DownloadBsds)
    with output_folder(PHOTOS) as folder:
        if params.source == "bundled":
            write_photos(folder)
        else:
            mirror = os.environ.get("CONVLAB_MIRROR")
            download_bsds(folder, partial_folder=PARTIAL, mirror=mirror)
    remove(PARTIAL)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/download_bsds.lock")):
        main()
