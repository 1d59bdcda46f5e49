#!/usr/bin/env bash
# timm 1.0.31 with torch 2.15.0: fusing a convolution with timm's batch normalisation drops the activation, silently.
#
# Expected: torch.nn.utils.fusion.fuse_conv_bn_eval, which takes any BatchNorm2d, gives the same output.
# Behaviour: timm's BatchNormAct2d is a BatchNorm2d that also applies the activation; the fused convolution does not.
# Code that walks a network for isinstance(module, nn.BatchNorm2d), as such passes do, loses all 49 activations here.
# Seen with timm 1.0.31, torch 2.15.0 (tf_efficientnet_lite0, random weights, seed 0):
#     BatchNorm2d by isinstance: 49, exactly of that type: 0
#     least value before 0.000, fused -1.937
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.31
cd "$folder"
venv/bin/python - <<'PY'
import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

torch.manual_seed(0)
model = timm.create_model("tf_efficientnet_lite0").eval()
norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
exact = sum(type(module) is nn.BatchNorm2d for module in norms)
print("timm", timm.__version__, "torch", torch.__version__)
print(f"BatchNorm2d by isinstance: {len(norms)}, exactly of that type: {exact}")
with torch.no_grad():
    images = torch.randn(1, 3, 32, 32)
    before = model.bn1(model.conv_stem(images))
    fused = fuse_conv_bn_eval(model.conv_stem, model.bn1)(images)
print(f"least value before {before.min():.3f}, fused {fused.min():.3f}")
assert len(norms) == 49 and exact == 0 and before.min() == 0 and fused.min() < -0.5
PY
