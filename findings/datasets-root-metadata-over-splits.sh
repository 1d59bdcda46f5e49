#!/usr/bin/env bash
# datasets 5.2.0, imagefolder: a metadata.jsonl beside the folders train/ and test/ is ignored without a word.
#
# Expected: file_name ("train/0.png") is relative to the metadata file, so each image gets its label from there.
# Behaviour: the images load, and every label is None, of a ClassLabel whose names are 'test' and 'train'.
# Seen with datasets 5.2.0, pillow 13.0.0:
#     features {'image': Image(mode=None, decode=True), 'label': ClassLabel(names=['test', 'train'])}
#     labels [None, None, None, None]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pillow==13.0.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 venv/bin/python - <<'PY'
import json
from pathlib import Path

import datasets
from PIL import Image

root, rows = Path("ants"), []
for split in ("train", "test"):
    (root / split).mkdir(parents=True)
    for i in range(4):
        Image.new("RGB", (8, 8), (i * 40, 0, 0)).save(root / split / f"{i}.png")
        rows.append({"file_name": f"{split}/{i}.png", "label": "ant" if i % 2 else "bee"})
(root / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
train = datasets.load_dataset("imagefolder", data_dir=str(root), cache_dir="cache")["train"]
labels = [row["label"] for row in train]
print("datasets", datasets.__version__)
print("features", train.features)
print("labels", labels)
assert labels == [None] * 4 and train.features["label"].names == ["test", "train"]
PY
