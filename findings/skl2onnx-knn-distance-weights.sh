#!/usr/bin/env bash
# skl2onnx 1.20.0 writes KNeighborsClassifier(weights="distance") as one whose neighbours all count the same.
#
# Expected: the exported graph answers as scikit-learn does.
# Behaviour: converting gives no warning; labels equal those of weights="uniform", and probabilities are off by 0.2.
# Seen with skl2onnx 1.20.0, onnxruntime 1.32.0, scikit-learn 1.9.1 (digits, 1,000 to train, 797 to test):
#     labels that differ from weights="distance": 4, from weights="uniform": 0
#     largest difference of a probability: 0.200
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skl2onnx==1.20.0 onnxruntime==1.32.0 scikit-learn==1.9.1 'protobuf<7'
cd "$folder"
venv/bin/python - <<'PY'
import numpy as np
import onnxruntime
import skl2onnx
import sklearn
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

x, y = load_digits(return_X_y=True)
x = x.astype(np.float32)
weighted = KNeighborsClassifier(5, weights="distance").fit(x[:1000], y[:1000])
uniform = KNeighborsClassifier(5, weights="uniform").fit(x[:1000], y[:1000])
graph = skl2onnx.to_onnx(weighted, x[:1], options={id(weighted): {"zipmap": False}})
session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
labels, probabilities = session.run(None, {session.get_inputs()[0].name: x[1000:]})
off = int((labels != weighted.predict(x[1000:])).sum()), int((labels != uniform.predict(x[1000:])).sum())
gap = float(abs(probabilities - weighted.predict_proba(x[1000:])).max())
print("skl2onnx", skl2onnx.__version__, "onnxruntime", onnxruntime.__version__, "scikit-learn", sklearn.__version__)
print(f'labels that differ from weights="distance": {off[0]}, from weights="uniform": {off[1]}')
print(f"largest difference of a probability: {gap:.3f}")
assert off == (4, 0) and gap > 0.19
PY
