"""The rows of the table: each family of networks with its facts, and each variant with its arguments and its size.

The size is in trainable parameters as published, so that the list of networks needs no torch. Where it is None they are
counted when needed; tests/models/test_summary.py counts all of them again and prints what belongs here.
"""

from __future__ import annotations

from discern.i18n import _
from discern.models.spec import Family

_BACKPROPAGATION = "Learning representations by back-propagating errors, Nature 323"
_NASNET = "Learning Transferable Architectures for Scalable Image Recognition, arXiv:1707.07012"
_RESNET = "Deep Residual Learning for Image Recognition, arXiv:1512.03385"

FAMILIES = (
    Family(
        "mlp.MLP",
        1986,
        lambda: _("Pixels in a row and fully connected layers: hidden neurons learn features of their own."),
        _BACKPROPAGATION,
        {"mlp-course": ({"hidden": (512, 256, 128), "dropout": 0.2}, 1_369_347)},
        size=28,
        classes=3,
    ),
    Family(
        "mlp.MLP",
        1986,
        lambda: _("One hidden layer of 512 neurons between the pixels and the classes."),
        _BACKPROPAGATION,
        {"feed-forward": ({"hidden": (512,), "dropout": 0.0}, 407_050)},
        size=28,
        channels=1,
        classes=10,
    ),
    Family(
        "lenet.LeNet",
        1998,
        lambda: _("The first convolutional network: one small filter slides over the whole image."),
        "Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11)",
        {"lenet": ({}, 61_706)},
        size=32,
        channels=1,
        classes=10,
    ),
    Family(
        "sample.Sample",
        1998,
        lambda: _("The smallest network with every part a CNN has: convolution, pooling, fully connected layers."),
        "PyTorch tutorial 'Training a Classifier', after LeNet-5",
        {"sample": ({}, 62_006)},
        size=32,
        classes=10,
    ),
    Family(
        "alexnet.AlexNet",
        2012,
        lambda: _("Five convolutions with ReLU and dropout, trained on GPUs: the network that won ILSVRC-2012."),
        "ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012; arXiv:1404.5997",
        {"alexnet": ({}, 61_100_840)},
    ),
    Family(
        "zfnet.ZFNet",
        2013,
        lambda: _("AlexNet with a finer first layer, found by deconvolution, which shows what a network sees."),
        "Visualizing and Understanding Convolutional Networks, arXiv:1311.2901",
        {"zfnet": ({}, 62_357_608)},
    ),
    Family(
        "nin.NIN",
        2013,
        lambda: _("1x1 convolutions think about each place; a map a class and its average replace the dense layers."),
        "Network In Network, arXiv:1312.4400",
        {"nin": ({}, 7_595_176)},
    ),
    Family(
        "vgg.VGG",
        2014,
        lambda: _("Nothing but 3x3 convolutions, one after another: depth alone makes it better."),
        "Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv:1409.1556",
        {
            "vgg11": ({"blocks": (1, 1, 2, 2, 2)}, 132_863_336),
            "vgg11-bn": ({"blocks": (1, 1, 2, 2, 2), "batch_norm": True}, 132_868_840),
            "vgg13": ({"blocks": (2, 2, 2, 2, 2)}, 133_047_848),
            "vgg13-bn": ({"blocks": (2, 2, 2, 2, 2), "batch_norm": True}, 133_053_736),
            "vgg16": ({"blocks": (2, 2, 3, 3, 3)}, 138_357_544),
            "vgg16-bn": ({"blocks": (2, 2, 3, 3, 3), "batch_norm": True}, 138_365_992),
            "vgg19": ({"blocks": (2, 2, 4, 4, 4)}, 143_667_240),
            "vgg19-bn": ({"blocks": (2, 2, 4, 4, 4), "batch_norm": True}, 143_678_248),
        },
    ),
    Family(
        "googlenet.GoogLeNet",
        2014,
        lambda: _("A block looks at its input through small and large filters at once; extra heads help it train."),
        "Going Deeper with Convolutions, arXiv:1409.4842",
        {"googlenet": ({}, 13_004_888)},
    ),
    Family(
        "cnn_course.CourseCNN",
        2015,
        lambda: _("Five blocks of convolution, batch normalisation and ReLU, then global average pooling."),
        "Batch Normalization, arXiv:1502.03167 (the course's own network)",
        {"cnn-course": ({}, 220_227)},
        size=28,
        classes=3,
    ),
    Family(
        "inception_v2.InceptionV2",
        2015,
        lambda: _("GoogLeNet with batch normalisation after every convolution: it trains many times faster."),
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift, "
        "arXiv:1502.03167",
        {"inception-v2": ({}, 11_285_224)},
    ),
    Family(
        "resnet.ResNet",
        2015,
        lambda: _("A block learns only what to add to its input, so very deep networks train."),
        _RESNET,
        {
            "resnet18": ({"blocks": (2, 2, 2, 2)}, 11_689_512),
            "resnet34": ({"blocks": (3, 4, 6, 3)}, 21_797_672),
            "resnet50": ({"blocks": (3, 4, 6, 3), "bottleneck": True}, 25_557_032),
            "resnet101": ({"blocks": (3, 4, 23, 3), "bottleneck": True}, 44_549_160),
            "resnet152": ({"blocks": (3, 8, 36, 3), "bottleneck": True}, 60_192_808),
        },
    ),
    Family(
        "resnet.ResNet",
        2015,
        lambda: _("ResNet-18 with a tenth of the filters, as the course builds it by hand for CIFAR-10."),
        _RESNET,
        {"resnet18-narrow": ({"blocks": (2, 2, 2, 2), "width": 0.1}, 113_400)},
        size=32,
        classes=10,
    ),
    Family(
        "densenet.DenseNet",
        2016,
        lambda: _("Every layer reads the maps of all layers before it and adds a few of its own."),
        "Densely Connected Convolutional Networks, arXiv:1608.06993",
        {
            "densenet121": ({"blocks": (6, 12, 24, 16)}, 7_978_856),
            "densenet169": ({"blocks": (6, 12, 32, 32)}, 14_149_480),
            "densenet201": ({"blocks": (6, 12, 48, 32)}, 20_013_928),
        },
    ),
    Family(
        "squeezenet.SqueezeNet",
        2016,
        lambda: _("A Fire module squeezes to few channels, then expands: AlexNet's accuracy with 1/50 of its weights."),
        "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, arXiv:1602.07360",
        {
            "squeezenet1.1": ({"filters": 64, "kernel": 3, "pools": (2, 4, 6)}, 1_235_496),
            "squeezenet1.0": ({"filters": 96, "kernel": 7, "pools": (2, 5, 9)}, 1_248_424),
        },
    ),
    Family(
        "mobilenet.MobileNet",
        2017,
        lambda: _("A convolution is split into depthwise and 1x1 parts: about a ninth of the work."),
        "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv:1704.04861",
        {
            "mobilenet": ({"width": 1.0}, 4_231_976),
            "mobilenet-0.75": ({"width": 0.75}, 2_585_560),
            "mobilenet-0.5": ({"width": 0.5}, 1_331_592),
            "mobilenet-0.25": ({"width": 0.25}, 470_072),
        },
    ),
    Family(
        "senet.SENet",
        2017,
        lambda: _("Each block of a ResNet weighs its own channels by what it sees in the whole image."),
        "Squeeze-and-Excitation Networks, arXiv:1709.01507",
        {
            "se-resnet18": ({"blocks": (2, 2, 2, 2)}, 11_778_592),
            "se-resnet34": ({"blocks": (3, 4, 6, 3)}, 21_958_868),
            "se-resnet50": ({"blocks": (3, 4, 6, 3), "bottleneck": True}, 28_088_024),
            "se-resnet101": ({"blocks": (3, 4, 23, 3), "bottleneck": True}, 49_326_872),
            "se-resnet152": ({"blocks": (3, 8, 36, 3), "bottleneck": True}, 66_821_848),
        },
    ),
    Family(
        "nasnet.NASNet",
        2017,
        lambda: _("A search chose the operations of two small cells, which are repeated to make the network."),
        _NASNET,
        {"nasnet-mobile": ({"cells": 4, "filters": 1056, "stem_filters": 32}, 5_289_978)},
    ),
    Family(
        "nasnet.NASNet",
        2017,
        lambda: _("The cells that the search found, more of them and wider, for images of 331 pixels."),
        _NASNET,
        {"nasnet-large": ({"cells": 6, "filters": 4032, "stem_filters": 96, "skip_reduction": True}, 88_753_150)},
        size=331,
    ),
    Family(
        "fastnet.FastNet",
        2024,
        lambda: _("A frozen whitening of patches and six wide convolutions: eight passes over the data are enough."),
        "94% on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498",
        {"fastnet": ({}, 4_604_440)},
        size=32,
        classes=10,
    ),
)
