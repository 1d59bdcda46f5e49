#!/usr/bin/env bash
# Pillow 13.0.0 inverts a grey TIFF whose zero is white (photometric MinIsWhite) in 8 bits, and not in 16.
#
# Expected: the same scene, whatever its depth: radiographs and scans often have white as zero.
# Behaviour: the 8-bit file reads as 255 - stored (dark is 0), the 16-bit file as stored (dark is 65535): a negative.
# Seen with pillow 13.0.0, tifffile 2026.3.3:
#     8 bits: mode L, inverted True
#     16 bits: mode I;16, inverted False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy
cd "$folder"
venv/bin/python - <<'PY'
import numpy as np
import PIL
import tifffile
from PIL import Image

print("pillow", PIL.__version__, "tifffile", tifffile.__version__)
inverted = {}
for bits, kind in ((8, np.uint8), (16, np.uint16)):
    stored = np.linspace(0, 2**bits - 1, 64 * 64).reshape(64, 64).astype(kind)
    tifffile.imwrite("x.tif", stored, photometric="miniswhite")
    image = Image.open("x.tif")
    read = np.asarray(image)
    inverted[bits] = bool((read == 2**bits - 1 - stored.astype(int)).all())
    assert inverted[bits] or (read == stored).all()
    print(f"{bits} bits: mode {image.mode}, inverted {inverted[bits]}")
assert inverted == {8: True, 16: False}
PY
