"""The rows of the table: each family of networks with its facts, and each variant with its numbers.

Nothing here imports torch: the table is read wherever a name is checked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discern.i18n import _

if TYPE_CHECKING:
    from discern.models.network import Network

Setting = bool | int | float | str | tuple[int, ...] | list[int]


@dataclass(frozen=True)
class Family:
    """Networks that one class makes, as they were published.

    Attributes
    ----------
    module, network : str
        File in ``discern.models`` and the class in it.
    year : int
        Of the paper.
    idea : callable
        Returns the sentence that says what it brought, in the language in force.
    paper : str
        Title and where it appeared.
    variants : mapping
        Name -> the constructor's settings that make it.
    size, channels, classes : int
        Of the pictures and labels it was made for: pixels a side, colour channels, logits.
    """

    module: str
    network: str
    year: int
    idea: Callable[[], str]
    paper: str
    variants: Mapping[str, Mapping[str, Setting]]
    size: int = 224
    channels: int = 3
    classes: int = 1000

    def constructor(self) -> Callable[..., Network]:
        """The class, which is imported only now."""
        network: Callable[..., Network] = getattr(
            importlib.import_module(f"discern.models.{self.module}"), self.network
        )
        return network


_BACKPROPAGATION = "Learning representations by back-propagating errors, Nature 323"
_NASNET = "Learning Transferable Architectures for Scalable Image Recognition, arXiv:1707.07012"
_RESNET = "Deep Residual Learning for Image Recognition, arXiv:1512.03385"

FAMILIES = (
    Family(
        "mlp",
        "MLP",
        1986,
        lambda: _("Pixels in a row and fully connected layers: hidden neurons learn features of their own."),
        _BACKPROPAGATION,
        {"mlp-course": {"hidden": (512, 256, 128), "dropout": 0.2}},
        size=28,
        classes=3,
    ),
    Family(
        "mlp",
        "MLP",
        1986,
        lambda: _("One hidden layer of 512 neurons between the pixels and the classes."),
        _BACKPROPAGATION,
        {"feed-forward": {"hidden": (512,), "dropout": 0.0}},
        size=28,
        channels=1,
        classes=10,
    ),
    Family(
        "lenet",
        "LeNet",
        1998,
        lambda: _("The first convolutional network: one small filter slides over the whole picture."),
        "Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11)",
        {"lenet": {}},
        size=32,
        channels=1,
        classes=10,
    ),
    Family(
        "sample",
        "Sample",
        1998,
        lambda: _("The smallest network with every part a CNN has: convolution, pooling, fully connected layers."),
        "PyTorch tutorial 'Training a Classifier', after LeNet-5",
        {"sample": {}},
        size=32,
        classes=10,
    ),
    Family(
        "alexnet",
        "AlexNet",
        2012,
        lambda: _("Five convolutions with ReLU and dropout, trained on GPUs: the network that won ILSVRC-2012."),
        "ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012; arXiv:1404.5997",
        {"alexnet": {}},
    ),
    Family(
        "zfnet",
        "ZFNet",
        2013,
        lambda: _("AlexNet with a finer first layer, found by deconvolution, which shows what a network sees."),
        "Visualizing and Understanding Convolutional Networks, arXiv:1311.2901",
        {"zfnet": {}},
    ),
    Family(
        "nin",
        "NIN",
        2013,
        lambda: _("1x1 convolutions think about each place; a map a class and its average replace the dense layers."),
        "Network In Network, arXiv:1312.4400",
        {"nin": {}},
    ),
    Family(
        "vgg",
        "VGG",
        2014,
        lambda: _("Nothing but 3x3 convolutions, one after another: depth alone makes it better."),
        "Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv:1409.1556",
        {
            "vgg11": {"blocks": (1, 1, 2, 2, 2)},
            "vgg11-bn": {"blocks": (1, 1, 2, 2, 2), "batch_norm": True},
            "vgg13": {"blocks": (2, 2, 2, 2, 2)},
            "vgg13-bn": {"blocks": (2, 2, 2, 2, 2), "batch_norm": True},
            "vgg16": {"blocks": (2, 2, 3, 3, 3)},
            "vgg16-bn": {"blocks": (2, 2, 3, 3, 3), "batch_norm": True},
            "vgg19": {"blocks": (2, 2, 4, 4, 4)},
            "vgg19-bn": {"blocks": (2, 2, 4, 4, 4), "batch_norm": True},
        },
    ),
    Family(
        "googlenet",
        "GoogLeNet",
        2014,
        lambda: _("A block looks at its input through small and large filters at once; extra heads help it train."),
        "Going Deeper with Convolutions, arXiv:1409.4842",
        {"googlenet": {}},
    ),
    Family(
        "cnn_course",
        "CourseCNN",
        2015,
        lambda: _("Five blocks of convolution, batch normalisation and ReLU, then global average pooling."),
        "Batch Normalization, arXiv:1502.03167 (the course's own network)",
        {"cnn-course": {}},
        size=28,
        classes=3,
    ),
    Family(
        "inception_v2",
        "InceptionV2",
        2015,
        lambda: _("GoogLeNet with batch normalisation after every convolution: it trains many times faster."),
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift, "
        "arXiv:1502.03167",
        {"inception-v2": {}},
    ),
    Family(
        "resnet",
        "ResNet",
        2015,
        lambda: _("A block learns only what to add to its input, so very deep networks train."),
        _RESNET,
        {
            "resnet18": {"blocks": (2, 2, 2, 2)},
            "resnet34": {"blocks": (3, 4, 6, 3)},
            "resnet50": {"blocks": (3, 4, 6, 3), "bottleneck": True},
            "resnet101": {"blocks": (3, 4, 23, 3), "bottleneck": True},
            "resnet152": {"blocks": (3, 8, 36, 3), "bottleneck": True},
        },
    ),
    Family(
        "resnet",
        "ResNet",
        2015,
        lambda: _("ResNet-18 with a tenth of the filters, as the course builds it by hand for CIFAR-10."),
        _RESNET,
        {"resnet18-narrow": {"blocks": (2, 2, 2, 2), "width": 0.1}},
        size=32,
        classes=10,
    ),
    Family(
        "densenet",
        "DenseNet",
        2016,
        lambda: _("Every layer reads the maps of all layers before it and adds a few of its own."),
        "Densely Connected Convolutional Networks, arXiv:1608.06993",
        {
            "densenet121": {"blocks": (6, 12, 24, 16)},
            "densenet169": {"blocks": (6, 12, 32, 32)},
            "densenet201": {"blocks": (6, 12, 48, 32)},
        },
    ),
    Family(
        "squeezenet",
        "SqueezeNet",
        2016,
        lambda: _("A Fire module squeezes to few channels, then expands: AlexNet's accuracy with 1/50 of its weights."),
        "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, arXiv:1602.07360",
        {
            "squeezenet1.1": {"filters": 64, "kernel": 3, "pools": (2, 4, 6)},
            "squeezenet1.0": {"filters": 96, "kernel": 7, "pools": (2, 5, 9)},
        },
    ),
    Family(
        "mobilenet",
        "MobileNet",
        2017,
        lambda: _("A convolution is split into depthwise and 1x1 parts: about a ninth of the work."),
        "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv:1704.04861",
        {
            "mobilenet": {"width": 1.0},
            "mobilenet-0.75": {"width": 0.75},
            "mobilenet-0.5": {"width": 0.5},
            "mobilenet-0.25": {"width": 0.25},
        },
    ),
    Family(
        "senet",
        "SENet",
        2017,
        lambda: _("Each block of a ResNet weighs its own channels by what it sees in the whole picture."),
        "Squeeze-and-Excitation Networks, arXiv:1709.01507",
        {
            "se-resnet18": {"blocks": (2, 2, 2, 2)},
            "se-resnet34": {"blocks": (3, 4, 6, 3)},
            "se-resnet50": {"blocks": (3, 4, 6, 3), "bottleneck": True},
            "se-resnet101": {"blocks": (3, 4, 23, 3), "bottleneck": True},
            "se-resnet152": {"blocks": (3, 8, 36, 3), "bottleneck": True},
        },
    ),
    Family(
        "nasnet",
        "NASNet",
        2017,
        lambda: _("A search chose the operations of two small cells, which are repeated to make the network."),
        _NASNET,
        {"nasnet-mobile": {"cells": 4, "filters": 1056, "stem_filters": 32}},
    ),
    Family(
        "nasnet",
        "NASNet",
        2017,
        lambda: _("The cells that the search found, more of them and wider, for pictures of 331 pixels."),
        _NASNET,
        {"nasnet-large": {"cells": 6, "filters": 4032, "stem_filters": 96, "skip_reduction": True}},
        size=331,
    ),
    Family(
        "fastnet",
        "FastNet",
        2024,
        lambda: _("A frozen whitening of patches and six wide convolutions: eight passes over the data are enough."),
        "94% on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498",
        {"fastnet": {}},
        size=32,
        classes=10,
    ),
)
