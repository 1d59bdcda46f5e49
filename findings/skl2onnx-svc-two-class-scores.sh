#!/usr/bin/env bash
# skl2onnx 1.20.0: the scores of a two-class SVC have the columns of the classes exchanged.
#
# Expected: the larger of the two scores belongs to the label that the same graph gives.
# Behaviour: labels are right; column 0 holds the decision function and column 1 its negative, so the largest score
# points at the other class for every row. With the option raw_scores the columns are right.
# Seen with skl2onnx 1.20.0, onnxruntime 1.32.0, scikit-learn 1.9.1 (breast cancer data, 300 to train, 269 to test):
#     labels that differ from scikit-learn's: 0
#     rows whose largest score is not the label's: 269 of 269
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skl2onnx==1.20.0 onnxruntime==1.32.0 scikit-learn==1.9.1 'protobuf<7'
cd "$folder"
venv/bin/python - <<'PY'
import warnings

import numpy as np
import onnxruntime
import skl2onnx
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

warnings.simplefilter("ignore")
x, y = load_breast_cancer(return_X_y=True)
x = StandardScaler().fit_transform(x).astype(np.float32)
model = SVC().fit(x[:300], y[:300])
graph = skl2onnx.to_onnx(model, x[:1], options={id(model): {"zipmap": False}})
session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
labels, scores = session.run(None, {session.get_inputs()[0].name: x[300:]})
off = int((labels != model.predict(x[300:])).sum())
mirrored = int((scores.argmax(axis=1) != labels).sum())
print("skl2onnx", skl2onnx.__version__, "onnxruntime", onnxruntime.__version__, "scikit-learn", sklearn.__version__)
print(f"labels that differ from scikit-learn's: {off}")
print(f"rows whose largest score is not the label's: {mirrored} of {len(labels)}")
assert off == 0 and mirrored == len(labels) == 269
PY
