"""convlab: from a first convolution to super-resolution."""

import os

# OpenMP's threads spin while they wait, for up to 0.2 seconds. If another program needs a processor
# then, a training step takes up to ten times as long. torch reads these once: import convlab first.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # turns of the loop; libgomp, as on Linux
os.environ.setdefault("KMP_BLOCKTIME", "1")  # milliseconds; libomp, as on macOS and Windows
