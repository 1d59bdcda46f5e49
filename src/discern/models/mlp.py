"""Multi-layer perceptron: pixels in a row, then fully connected layers.

Paper: D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors",
Nature 323, 1986.

Idea: every neuron reads every number of the layer before, so hidden layers learn features of their own by
backpropagation. Neighboring pixels mean nothing to it: this is what convolution was to repair.

Deviation: ReLU for the sigmoid and dropout between layers, as the courses use it. Rows: the course's MLP on
28x28 color images (2352-512-256-128) and the feed-forward net on 28x28 gray ones (784-512). The first layer
grows with the image, so small images need no other form.
"""

from __future__ import annotations

from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.network import Body, Network, check_dropout


class MLP(Network):
    """Flatten, then ``hidden`` layers with ReLU and dropout, then a linear head.

    Parameters
    ----------
    hidden : tuple of int
        Neurons of each hidden layer, 1 or more.

    Examples
    --------
    >>> network = MLP(classes=3, channels=3, size=28)
    >>> network.hidden1[0]
    Linear(in_features=2352, out_features=512, bias=True)
    """

    head_name = "fc"

    def __init__(
        self,
        classes: int = 10,
        channels: int = 3,
        size: int = 28,
        hidden: tuple[int, ...] = (512, 256, 128),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if any(neurons < 1 for neurons in hidden):
            message = _("An mlp cannot have the hidden layers {hidden}: each needs a neuron.")
            raise ModelError(message.format(hidden=hidden))
        self.flatten = nn.Flatten()
        widths = [channels * size * size, *hidden]
        for i, (before, after) in enumerate(zip(widths, hidden, strict=False), start=1):
            layer = nn.Sequential(nn.Linear(before, after), nn.ReLU(), nn.Dropout(check_dropout(dropout)))
            self.add_module(f"hidden{i}", layer)
        self.layers = tuple(f"hidden{i}" for i in range(1, len(hidden) + 1))
        self.fc = nn.Linear(widths[-1], classes)

    def body(self) -> Body:
        # (N, C, H, W) -> (N, C H W) -> (N, hidden) ...
        return {"flatten": self.flatten, **{name: self.get_submodule(name) for name in self.layers}}

    def pool(self, x: Tensor) -> Tensor:
        return x
