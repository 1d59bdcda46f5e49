#!/usr/bin/env bash
# skl2onnx 1.20.0: a random forest exported for double inputs gives other labels where the votes tie.
#
# Expected: double in and double out agree with scikit-learn at least as well as float does.
# Behaviour: every probability agrees to 0.001, and still labels differ; exported for float inputs none does.
# Seen with skl2onnx 1.20.0, onnxruntime 1.32.0, scikit-learn 1.9.1 (20 trees, 2,000 rows to test):
#     double: probabilities off by more than 0.001: 0, labels that differ: 15
#     float: probabilities off by more than 0.001: 0, labels that differ: 0
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
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import RandomForestClassifier

x = np.random.default_rng(0).normal(size=(4000, 6))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
model = RandomForestClassifier(20, random_state=0).fit(x[:2000], y[:2000])
print("skl2onnx", skl2onnx.__version__, "onnxruntime", onnxruntime.__version__, "scikit-learn", sklearn.__version__)
differ = {}
for name, kind, dtype in (("double", DoubleTensorType, np.float64), ("float", FloatTensorType, np.float32)):
    graph = skl2onnx.to_onnx(model, initial_types=[("x", kind([None, 6]))], options={id(model): {"zipmap": False}})
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(None, {"x": x[2000:].astype(dtype)})
    off = int((abs(probabilities - model.predict_proba(x[2000:])) > 1e-3).sum())
    differ[name] = int((labels != model.predict(x[2000:])).sum())
    print(f"{name}: probabilities off by more than 0.001: {off}, labels that differ: {differ[name]}")
    assert off == 0
assert differ == {"double": 15, "float": 0}
PY
