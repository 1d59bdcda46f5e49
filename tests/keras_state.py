"""A network's tensors as Keras would name and lay them out: the inverse of `convert_keras_state`."""

from __future__ import annotations

from torch import Tensor

from discern.models.network import Model

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def keras_state(network: Model) -> dict[str, Tensor]:
    """Return ``layer/variable`` -> tensor, channels last; MobileNet's linear head is a 1x1 convolution in Keras."""
    own, state = network.state_dict(), {}
    for layer, module in network.keras_layers.items():
        names = {name.removeprefix(f"{module}."): name for name in own if name.startswith(f"{module}.")}
        if "running_mean" in names:
            state |= {f"{layer}/{theirs}": own[names[ours]].clone() for ours, theirs in NORM.items()}
            continue
        weight = own[names["weight"]]
        if weight.dim() == 2:
            weight = weight[:, :, None, None]
        depthwise = weight.shape[1] == 1 and "_dw_" in layer
        variable, axes = ("depthwise_kernel", (2, 3, 0, 1)) if depthwise else ("kernel", (2, 3, 1, 0))
        state[f"{layer}/{variable}"] = weight.permute(axes).contiguous()
        if "bias" in names:
            state[f"{layer}/bias"] = own[names["bias"]].clone()
    return state
