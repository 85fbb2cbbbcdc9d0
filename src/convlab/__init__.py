"""convlab: from a first convolution to super-resolution."""

import os

# OpenMP's threads spin for milliseconds when they wait. If another program needs a processor then,
# a training step takes several times as long. This is read when torch is loaded: import convlab
# first. What the user has set wins.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # turns of the loop; libgomp, as on Linux
    os.environ.setdefault("KMP_BLOCKTIME", "1")  # milliseconds; libomp, as on macOS and Windows
