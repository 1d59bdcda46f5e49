"""Every number that a lecture prints, one test each, headed by its lecture (deck) and lab.

What takes minutes is held elsewhere: the fruit that the course's two networks name, and its narrow ResNet's accuracies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.data.dataset import Split
from discern.data.image import decode
from discern.models.published_table import LECTURE
from discern.models.registry import get_model_args
from discern.training.recipes import DataProfile, resolve

# Deck A, lab threshold


def test_body_fat_by_the_experts_rule() -> None:
    overlapping, separable = discern.lab("threshold").pairs
    assert overlapping.high_values.tolist() == separable.high_values.tolist() == [22, 25, 30, 33, 35]
    assert overlapping.low_values.tolist() == [10, 15, 20, 25, 30]
    assert separable.low_values.tolist() == [10, 13, 15, 17, 18]
    assert [(pair.rules[0].threshold, pair.rules[0].errors) for pair in (overlapping, separable)] == [(20, 2), (20, 0)]


def test_body_fat_learned() -> None:
    overlapping, separable = discern.lab("threshold").pairs
    assert overlapping.rules[1].threshold == pytest.approx((29 + 20) / 2)  # LDA: between the means
    assert separable.rules[1].threshold == pytest.approx((29 + 14.6) / 2)
    assert all(rule.errors == 0 for rule in separable.rules)
    assert overlapping.best() == (2, 20, 22)
    assert separable.best() == (0, 18, 22)


# Deck A, lab boundary


def test_label_spreading_with_30_50_and_100_percent_of_the_labels() -> None:
    spread = [region for region in discern.lab("boundary").regions if region.name.startswith("spread")]
    shares = [1 - len(region.unlabeled) / region.n_train for region in spread]
    assert shares == pytest.approx([0.3, 0.5, 1.0], abs=0.02)


def test_linear_and_quadratic_discriminant_analysis_and_an_svc_with_an_rbf_kernel() -> None:
    titles = [region.title for region in discern.lab("boundary").regions]
    assert {"LDA", "QDA", "RBF SVM"} <= set(titles)


def test_iris_has_150_rows_and_3_classes_of_50() -> None:
    sample = discern.lab("boundary").sample
    assert (sample.points.shape, np.bincount(sample.labels).tolist()) == ((150, 2), [50, 50, 50])


# Deck A, lab encode


def test_a234567890_is_one_letter_and_nine_digits_with_a_checksum_that_fails() -> None:
    found = discern.lab("encode")
    assert found.number == "A234567890"
    assert found.digits.tolist() == [1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 0]  # A counts as 10
    assert found.products.tolist() == [1, 0, 16, 21, 24, 25, 24, 21, 16, 9, 0]
    assert (found.total, found.is_valid, found.corrected) == (157, False, "A234567893")


def test_apple_49_banana_39_watermelon_51(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (shared_data / "fruit").is_dir():
        pytest.skip("no fruit")
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    found = discern.lab("encode", what="features")
    counts = dict(zip(found.classes, np.bincount(found.labels).tolist(), strict=True))
    assert counts == {"Apple": 49, "Banana": 39, "Watermelon": 51}


# Deck A, networks and data


def test_the_mlp_has_2352_512_256_128_3_units_and_the_cnn_3_32_64_128_64_32_channels() -> None:
    mlp = discern.describe_model("mlp-course").summary
    dense = [layer for layer in mlp.layers if layer.kind == "FC"]
    assert [layer.input[-1] for layer in dense] + [dense[-1].output[-1]] == [2352, 512, 256, 128, 3]
    cnn = [layer for layer in discern.describe_model("cnn-course").summary.layers if layer.kind == "Conv"]
    assert [layer.input[-1] for layer in cnn] + [cnn[-1].output[-1]] == [3, 32, 64, 128, 64, 32]
    assert [int(layer.filter.split(" ")[0]) for layer in cnn] == [5, 5, 3, 3, 3]
    assert [layer.stride for layer in cnn] == [2, 2, 1, 1, 1]


def test_the_courses_training_is_adam_at_001_30_images_a_batch_100_epochs_of_28x28() -> None:
    profile = DataProfile({"Apple": 49, "Banana": 39, "Watermelon": 51}, side=100, is_gray=False, device="cpu")
    config, _notes = resolve({"model": "mlp-course", "recipe": "lecture"}, profile)
    optim = config.optim
    assert (optim.optimizer, optim.lr, optim.batch_size, optim.epochs) == ("adam", 0.01, 30, 100)
    assert config.preprocess.size == 28 and get_model_args("mlp-course")["dropout"] == 0.2


def test_the_narrow_resnet_has_10_percent_of_the_width() -> None:
    wide, narrow = (discern.describe_model(name).summary.stages[-1] for name in ("resnet18", "resnet18-narrow"))
    assert round(narrow.channels / wide.channels, 2) == 0.1


# Deck B, lab activation


def test_mish_of_3_is_2_9865_by_way_of_softplus_3_0486() -> None:
    steps = [step[-1] for step in discern.lab("activation", function="mish", values="3").steps.values()]
    assert steps[0] == pytest.approx(3.0486, abs=5e-5)
    assert steps[-1] == pytest.approx(2.9865, abs=5e-5)


# Deck B, lab convolution


def test_convolution_1_one_channel_and_a_bias() -> None:
    assert discern.lab("convolution").layers[0].output.tolist() == [[[129, 161], [225, 257]]]


def test_convolution_2_two_channels_two_kernels() -> None:
    output = discern.lab("convolution", example="two-channels").layers[0].output
    assert output.tolist() == [[[54, 54], [54, 54]], [[25, 25], [25, 25]]]


def test_27_and_27_weights_then_three_times_18() -> None:
    tables = discern.lab("convolution", example="parameters").tables()
    first, second = (table.texts() for table in tables if table.title.startswith("Parameters"))
    assert first[1][1:] == ["27 + 27", "54"]
    assert second[1][1:] == ["18 + 18 + 18", "54"]


# Deck B, lab pooling


def test_pooling_the_numbers_from_1_to_16() -> None:
    assert discern.lab("pooling", kind="max").output.tolist() == [[6, 8], [14, 16]]
    assert discern.lab("pooling", kind="average").output.tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert discern.lab("pooling", kind="global").output.tolist() == [[8.5]]


# Deck B, networks


def test_the_line_of_networks_and_its_years() -> None:
    years = {model.name: model.year for model in discern.list_models().networks}
    line = (
        "lenet alexnet zfnet nin vgg16 googlenet inception-v2 resnet18 se-resnet18 densenet121 squeezenet1.0 mobilenet"
    )
    assert [years[name] for name in line.split()] == [
        *(1998, 2012, 2013, 2013, 2014, 2014, 2015, 2015, 2017, 2016, 2016, 2017),
    ]


def test_the_body_of_mobilenet() -> None:
    layers = discern.describe_model("mobilenet").summary.layers
    rows = [(layer.type, layer.filter, layer.input) for layer in layers]
    assert rows[:4] == [
        ("Conv / s2", "3 x 3 x 3 x 32", (224, 224, 3)),
        ("Conv dw / s1", "3 x 3 x 32 dw", (112, 112, 32)),
        ("Conv / s1", "1 x 1 x 32 x 64", (112, 112, 32)),
        ("Conv dw / s2", "3 x 3 x 64 dw", (112, 112, 64)),
    ]
    widths = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    sides = [112, 56, 56, 28, 28, 14, 14, 14, 14, 14, 14, 7, 7]
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    deep, points = rows[1:27:2], rows[2:28:2]
    before = [32, *widths[:-1]]
    assert [kind for kind, _filter, _input in deep] == [f"Conv dw / s{stride}" for stride in strides]
    assert [filter_ for _kind, filter_, _input in deep] == [f"3 x 3 x {width} dw" for width in before]
    assert [input_ for _kind, _filter, input_ in points] == [
        (side, side, width) for side, width in zip(sides, before, strict=True)
    ]
    assert [filter_ for _kind, filter_, _input in points] == [
        f"1 x 1 x {a} x {b}" for a, b in zip(before, widths, strict=True)
    ]
    assert [kind for kind, _filter, _input in rows[27:]] == ["Avg Pool / s1", "FC / s1", "Softmax / s1"]
    assert rows[27][1:] == ("Pool 7 x 7", (7, 7, 1024)) and rows[28][1] == "1024 x 1000"


# Deck C, labs kmeans and pca


@pytest.mark.parametrize("name", ["kmeans", "pca"])
def test_iris_has_150_rows_of_4_features_in_3_classes_of_50(name: str) -> None:
    iris = discern.lab(name).data
    assert iris.values.shape == (150, 4) and len(iris.features) == 4
    assert [int((iris.labels == i).sum()) for i in range(len(iris.classes))] == [50, 50, 50]


# Deck C, networks


def test_the_sample_network_and_the_feed_forward_network() -> None:
    sample = [layer.filter for layer in discern.describe_model("sample").summary.layers]
    assert sample == [
        *("5 x 5 x 3 x 6", "Pool 2 x 2", "5 x 5 x 6 x 16", "Pool 2 x 2"),
        *("400 x 120", "120 x 84", "84 x 10", "Classifier"),
    ]
    assert [layer.filter for layer in discern.describe_model("feed-forward").summary.layers][:2] == [
        "784 x 512",
        "512 x 10",
    ]


# Deck D, lab activation


@pytest.mark.parametrize("x", [-2.0, 0.5, 3.0])
def test_the_derivatives_of_sigmoid_tanh_and_relu(x: float) -> None:
    sigmoid, tanh, relu = (
        discern.lab("activation", function=name, values=str(x)) for name in ("sigmoid", "tanh", "relu")
    )
    assert sigmoid.derivative[0] == pytest.approx(sigmoid.output[0] * (1 - sigmoid.output[0]))
    assert tanh.derivative[0] == pytest.approx(1 - tanh.output[0] ** 2)
    assert relu.derivative[0] == float(x > 0)


# Deck D, lab optimizer


def test_rmsprop_starts_with_sigma_0_the_size_of_the_first_gradient() -> None:
    race = discern.lab("optimizer", alpha=0.9, lr=0.1, steps=5)
    moments = next(path for path in race.paths if path.name == "rmsprop").steps
    sigma = abs(moments[0].g)
    for moment, after in zip(moments, [*moments[1:], None], strict=True):
        assert moment.state["sigma"] == pytest.approx(sigma)
        assert moment.change == pytest.approx(-0.1 / sigma * moment.g)
        if after is not None:
            sigma = (0.9 * sigma**2 + (1 - 0.9) * after.g**2) ** 0.5


def test_adam_corrects_the_bias_of_both_its_means() -> None:
    race = discern.lab("optimizer", lr=0.1, steps=5)
    m, v = 0.0, 0.0
    for t, moment in enumerate(next(path for path in race.paths if path.name == "adam").steps, start=1):
        m, v = 0.9 * m + (1 - 0.9) * moment.g, 0.999 * v + (1 - 0.999) * moment.g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        assert moment.change == pytest.approx(-0.1 * m_hat / (v_hat**0.5 + 1e-8))


# Deck D, lab convolution


def test_the_5x5_image_with_the_cross() -> None:
    output = discern.lab("convolution", example="cross").layers[0].output
    assert output.tolist() == [[[2, 3, 3], [4, 4, 5], [2, 4, 3]]]


def test_the_6x6_image_with_the_sobel_filter() -> None:
    output = discern.lab("convolution", example="sobel").layers[0].output
    assert output.tolist() == [[[-4, -4, -2, 4], [-5, -5, -4, 5], [-2, -2, -4, 2], [-1, -1, -2, 1]]]


# Deck D, lab filters


def test_the_lectures_gaussian_has_a_variance_of_one_half() -> None:
    by_name = {one.name: one.kernel for one in discern.lab("filters").filtered}
    told = [[0.045, 0.122, 0.045], [0.122, 0.332, 0.122], [0.045, 0.122, 0.045]]
    assert by_name["lecture-gaussian"].tolist() == by_name["gaussian"].round(3).tolist() == told


def test_the_other_filters_of_the_lecture() -> None:
    by_name = {one.name: one.kernel for one in discern.lab("filters").filtered}
    assert by_name["average"].tolist() == [[1 / 9] * 3] * 3
    assert by_name["sobel-horizontal"].tolist() == [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    assert by_name["sobel-vertical"].tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert by_name["laplacian"].tolist() == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]


# Deck D, lab backprop


def test_the_chain_dl_dw_is_minus_2_y_minus_y_hat_times_z31_1_minus_z31_times_z21() -> None:
    found = discern.lab("backprop")
    y, z31, z21 = 1.0, found.nodes["z31"].value, found.nodes["z21"].value
    weight = next(gradient for gradient in found.gradients if gradient.name == "w311")
    assert weight.paths == ("-2 (y - z31) * z31 (1 - z31) * z21",)
    assert weight.gradient == pytest.approx(-2 * (y - z31) * z31 * (1 - z31) * z21, rel=1e-12)
    assert weight.gradient == pytest.approx(weight.autograd, rel=1e-12)
    assert weight.gradient == pytest.approx(weight.numerical, abs=1e-6)
    assert weight.after_step == pytest.approx(weight.value - found.lr * weight.gradient, rel=1e-12)


# Deck D, data and networks


def test_a_cifar10_image_is_3072_numbers() -> None:
    first = discern.lab("network", model="resnet18-narrow").summary.layers[0]
    assert int(np.prod(first.input)) == 32 * 32 * 3 == 3072


def test_cifar10_has_10_classes_of_6000(shared_data: Path) -> None:
    counts = discern.open_data(shared_data / "cifar10").counts()
    assert len(counts) == 10 and set(counts.values()) == {6000}


def test_mnist_has_60000_training_images_of_28x28(shared_data: Path) -> None:
    mnist = discern.open_data(shared_data / "mnist")
    assert int((mnist.given_split == Split.TRAIN).sum()) == 60_000
    assert decode(mnist.store.read(0)).size == (28, 28)


def test_the_zoo_as_printed() -> None:
    printed = """
        Xception 88 .790 .945 22910480, VGG16 528 .713 .901 138357544, VGG19 549 .713 .900 143667240,
        ResNet50 98 .749 .921 25636712, ResNet101 171 .764 .928 44707176, ResNet152 232 .766 .931 60419944,
        ResNet50V2 98 .760 .930 25613800, ResNet101V2 171 .772 .938 44675560, ResNet152V2 232 .780 .942 60380648,
        InceptionV3 92 .779 .937 23851784, InceptionResNetV2 215 .803 .953 55873736,
        MobileNet 16 .704 .895 4253864, MobileNetV2 14 .713 .901 3538984, DenseNet121 33 .750 .923 8062504,
        DenseNet169 57 .762 .932 14307880, DenseNet201 80 .773 .936 20242984,
        NASNetMobile 23 .744 .919 5326716, NASNetLarge 343 .825 .960 88949818,
        EfficientNetB0 29 - - 5330571, EfficientNetB1 31 - - 7856239, EfficientNetB2 36 - - 9177569,
        EfficientNetB3 48 - - 12320535, EfficientNetB4 75 - - 19466823, EfficientNetB5 118 - - 30562527,
        EfficientNetB6 166 - - 43265143, EfficientNetB7 256 - - 66658687"""
    rows = [line.split() for line in printed.replace("\n", " ").split(",")]
    wanted = {
        name: (int(size), *(None if x == "-" else float(x) for x in (top1, top5)), int(parameters))
        for name, size, top1, top5, parameters in rows
    }
    shown = {row.name: (row.size_mb, row.top1, row.top5, row.parameters) for row in LECTURE}
    assert shown == wanted and all(row.is_equal for row in LECTURE)


# Deck E, lab convolution


def test_a_line_scores_3_under_its_own_filter_and_1_under_the_other() -> None:
    upright, diagonal = discern.lab("convolution", example="lines").layers[0].output[:, 0]
    assert (upright[0], upright[-1]) == (3, 1)
    assert (diagonal[0], diagonal[-1]) == (1, 3)


def test_same_padding_keeps_a_line_at_the_edge() -> None:
    assert not discern.lab("convolution", example="same", padding="valid").layers[0].output.any()
    (same,) = discern.lab("convolution", example="same").layers[0].output
    assert same[:, 0].tolist() == [2, 3, 3, 3, 2]
    assert same.shape == (5, 5) and not same[:, 1:].any()


def test_the_scoreboard_has_6x6_scores_of_nine_inputs_each() -> None:
    found = discern.lab("convolution", example="feature-map")
    (scores,) = found.layers[0].output
    told = [
        [35, 27, 44, 32, 36, 38],
        [36, 36, 37, 37, 36, 43],  # the slide's fourth is 36, a slip
        [37, 37, 23, 26, 17, 35],
        [29, 25, 22, 18, 14, 27],
        [27, 25, 24, 21, 24, 32],
        [31, 38, 27, 34, 25, 40],
    ]
    assert scores.tolist() == told
    assert any("depends on 9 of 64 inputs" in sentence for sentence in found.sentences())


def test_the_filter_behind_the_scoreboard_and_its_one_slip() -> None:
    found = discern.lab("convolution", find_filter=True)
    assert found.kernel.tolist() == [[[1, 0, 1], [2, 1, 3], [1, 1, 2]]]
    (slip,) = found.mismatches
    assert (slip.row + 1, slip.column + 1, slip.given, slip.computed) == (2, 4, 36, 37)
    assert "Row 2, column 4 should be 37, not 36." in found.sentences()


def test_conv_pool_conv_sees_all_of_the_8x8_image() -> None:
    found = discern.lab("convolution", example="stack")
    assert [level.output for level in found.geometry] == [(6, 6), (3, 3), (1, 1)]
    assert found.geometry[-1].receptive_field == (8, 8)


# Deck E, lab pooling


def test_the_scoreboard_max_pooled() -> None:
    assert discern.lab("pooling", example="feature-map").output.tolist() == [[36, 44, 43], [37, 26, 35], [38, 34, 40]]
