#!/usr/bin/env bash
# timm 1.0.31: the classifier of the EfficientNet family starts with weights that grow as classes get fewer.
#
# Expected: a new head of two classes starts as small as elsewhere: about 1/sqrt(features), or 0.02.
# Behaviour: uniform in +-1/sqrt(classes), so +-0.71 for two classes, 25 times what 1,280 features call for; few examples
# do not unlearn this noise. resnet18, ViT and ConvNeXt of the same library start at +-0.04 to +-0.07.
# Seen with timm 1.0.31, torch 2.15.0 (num_classes=2, seed 0, largest weight of the head):
#     efficientnet_b0 0.707, tf_efficientnet_lite0 0.707, mobilenetv3_small_100 0.707, resnet18 0.044, vit_tiny 0.061
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 torchvision==0.29.2 timm==1.0.31
cd "$folder"
venv/bin/python - <<'PY'
import timm
import torch

print("timm", timm.__version__, "torch", torch.__version__)
largest = {}
for name in (
    "efficientnet_b0",
    "tf_efficientnet_lite0",
    "mobilenetv3_small_100",
    "resnet18",
    "vit_tiny_patch16_224",
):
    torch.manual_seed(0)
    largest[name] = float(timm.create_model(name, num_classes=2).get_classifier().weight.detach().abs().max())
    print(f"{name} {largest[name]:.3f}")
assert all(0.7 < largest[name] < 0.7072 for name in list(largest)[:3])
assert all(largest[name] < 0.1 for name in list(largest)[3:])
PY
