"""Parameters of the table's networks as published, kept so that the list of networks needs no torch.

A network that is not here is counted when it is asked for; tests/models/test_summary.py counts all of them again and
prints what belongs here.
"""

from __future__ import annotations

PARAMETERS = {
    "mlp-course": 1_369_347,
    "feed-forward": 407_050,
    "lenet": 61_706,
    "sample": 62_006,
    "alexnet": 61_100_840,
    "zfnet": 62_357_608,
    "nin": 7_595_176,
    "vgg11": 132_863_336,
    "vgg11-bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13-bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16-bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19-bn": 143_678_248,
    "googlenet": 13_004_888,
    "cnn-course": 220_227,
    "inception-v2": 11_285_224,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet18-narrow": 113_400,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "squeezenet1.1": 1_235_496,
    "squeezenet1.0": 1_248_424,
    "mobilenet": 4_231_976,
    "mobilenet-0.75": 2_585_560,
    "mobilenet-0.5": 1_331_592,
    "mobilenet-0.25": 470_072,
    "se-resnet18": 11_778_592,
    "se-resnet34": 21_958_868,
    "se-resnet50": 28_088_024,
    "se-resnet101": 49_326_872,
    "se-resnet152": 66_821_848,
    "nasnet-mobile": 5_289_978,
    "nasnet-large": 88_753_150,
    "fastnet": 4_604_440,
}
