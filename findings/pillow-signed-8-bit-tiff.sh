#!/usr/bin/env bash
# Pillow 13.0.0 opens a TIFF of signed bytes as mode L, and negative values come out as bright ones.
#
# Expected: an error, or values moved so that their order holds.
# Behaviour: -1 reads as 255 and -100 as 156: the darkest half of the image becomes the brightest.
# Seen with pillow 13.0.0, tifffile 2026.3.3:
#     mode L, stored [-100, -1, 0, 99], read [156, 255, 0, 99]
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

stored = np.repeat(np.array([[-100, -1, 0, 99]], dtype=np.int8), 16, axis=0)
tifffile.imwrite("x.tif", stored)
image = Image.open("x.tif")
read = np.asarray(image)[0].tolist()
print("pillow", PIL.__version__, "tifffile", tifffile.__version__)
print(f"mode {image.mode}, stored {stored[0].tolist()}, read {read}")
assert image.mode == "L" and read == [156, 255, 0, 99]
PY
