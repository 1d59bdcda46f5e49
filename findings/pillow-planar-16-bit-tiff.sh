#!/usr/bin/env bash
# Pillow 13.0.0 reads an uncompressed 16-bit RGB TIFF with separate planes as another image of the right size.
#
# Expected: the same pixels as from the same file with interleaved planes, or compressed, or an error.
# Behaviour: no error, mode RGB, right size, other pixels. The same planes compressed with zlib are read rightly.
# Seen with pillow 13.0.0, tifffile 2026.3.3 (difference to the upper eight bits of what was written):
#     contig none: largest difference 0
#     contig zlib: largest difference 0
#     separate none: largest difference 252
#     separate zlib: largest difference 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 imagecodecs numpy
cd "$folder"
venv/bin/python - <<'PY'
import numpy as np
import PIL
import tifffile
from PIL import Image

pixels = (np.arange(64 * 48 * 3).reshape(64, 48, 3) * 7 % 65536).astype(np.uint16)
print("pillow", PIL.__version__, "tifffile", tifffile.__version__)
largest = {}
for planes, data in (("contig", pixels), ("separate", np.moveaxis(pixels, 2, 0))):
    for compression in (None, "zlib"):
        tifffile.imwrite("x.tif", data, photometric="rgb", planarconfig=planes, compression=compression)
        read = np.asarray(Image.open("x.tif").convert("RGB")).astype(int)
        largest[planes, compression] = int(abs(read - (pixels >> 8)).max())
        print(f"{planes} {compression or 'none'}: largest difference {largest[planes, compression]}")
assert largest == {
    ("contig", None): 0,
    ("contig", "zlib"): 0,
    ("separate", None): largest["separate", None],
    ("separate", "zlib"): 0,
}
assert largest["separate", None] > 100
PY
