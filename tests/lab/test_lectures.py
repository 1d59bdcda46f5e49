"""Every number that a lecture prints and a lab reproduces, one test each, headed by its lecture (deck) and lab."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern

# Deck B, lab activation


def test_mish_of_3_is_2_9865_by_way_of_softplus_3_0486() -> None:
    steps = [step[-1] for step in discern.lab("activation", function="mish", values="3").steps.values()]
    assert steps[0] == pytest.approx(3.0486, abs=5e-5)
    assert steps[-1] == pytest.approx(2.9865, abs=5e-5)


# Deck D, lab activation


@pytest.mark.parametrize("x", [-2.0, 0.5, 3.0])
def test_the_derivatives_of_sigmoid_tanh_and_relu(x: float) -> None:
    sigmoid, tanh, relu = (
        discern.lab("activation", function=name, values=str(x)) for name in ("sigmoid", "tanh", "relu")
    )
    assert sigmoid.derivative[0] == pytest.approx(sigmoid.output[0] * (1 - sigmoid.output[0]))
    assert tanh.derivative[0] == pytest.approx(1 - tanh.output[0] ** 2)
    assert relu.derivative[0] == float(x > 0)


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


# Deck D, lab optimizer


def test_rmsprop_starts_with_sigma_0_the_size_of_the_first_gradient() -> None:
    race = discern.lab("optimizer", alpha=0.9, lr=0.1, steps=5)
    moments = next(path for path in race.paths if path.name == "rmsprop").moments
    sigma = abs(moments[0].g)
    for moment, after in zip(moments, [*moments[1:], None], strict=True):
        assert moment.kept["sigma"] == pytest.approx(sigma)
        assert moment.change == pytest.approx(-0.1 / sigma * moment.g)
        if after is not None:
            sigma = (0.9 * sigma**2 + (1 - 0.9) * after.g**2) ** 0.5


def test_adam_corrects_the_bias_of_both_its_means() -> None:
    race = discern.lab("optimizer", lr=0.1, steps=5)
    m, v = 0.0, 0.0
    for t, moment in enumerate(next(path for path in race.paths if path.name == "adam").moments, start=1):
        m, v = 0.9 * m + (1 - 0.9) * moment.g, 0.999 * v + (1 - 0.999) * moment.g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        assert moment.change == pytest.approx(-0.1 * m_hat / (v_hat**0.5 + 1e-8))


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


# Deck D, lab convolution


def test_the_5x5_picture_with_the_cross() -> None:
    output = discern.lab("convolution", example="cross").layers[0].output
    assert output.tolist() == [[[2, 3, 3], [4, 4, 5], [2, 4, 3]]]


def test_the_6x6_picture_with_the_sobel_filter() -> None:
    output = discern.lab("convolution", example="sobel").layers[0].output
    assert output.tolist() == [[[-4, -4, -2, 4], [-5, -5, -4, 5], [-2, -2, -4, 2], [-1, -1, -2, 1]]]


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
    found = discern.lab("convolution", example="scoreboard")
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
    assert any("sees 9 of 64 input numbers" in sentence for sentence in found.sentences())


def test_the_filter_behind_the_scoreboard_and_its_one_slip() -> None:
    found = discern.lab("convolution", find_filter=True)
    assert found.kernel.tolist() == [[[1, 0, 1], [2, 1, 3], [1, 1, 2]]]
    (slip,) = found.disagreeing
    assert (slip.row + 1, slip.column + 1, slip.told, slip.found) == (2, 4, 36, 37)
    assert "Row 2, column 4 ought to be 37, not 36." in found.sentences()


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


# Deck B, lab pooling


def test_pooling_the_numbers_from_1_to_16() -> None:
    assert discern.lab("pooling", kind="max").output.tolist() == [[6, 8], [14, 16]]
    assert discern.lab("pooling", kind="average").output.tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert discern.lab("pooling", kind="global").output.tolist() == [[8.5]]


# Deck E, lab pooling


def test_the_scoreboard_max_pooled() -> None:
    assert discern.lab("pooling", example="scoreboard").output.tolist() == [[36, 44, 43], [37, 26, 35], [38, 34, 40]]


# Deck E, lab convolution


def test_conv_pool_conv_sees_all_of_the_8x8_picture() -> None:
    found = discern.lab("convolution", example="stack")
    assert [level.output for level in found.levels] == [(6, 6), (3, 3), (1, 1)]
    assert found.levels[-1].field == (8, 8)


# Deck C, labs kmeans and pca


@pytest.mark.parametrize("name", ["kmeans", "pca"])
def test_iris_has_150_rows_of_4_features_in_3_classes_of_50(name: str) -> None:
    iris = discern.lab(name).examples
    assert iris.values.shape == (150, 4) and len(iris.features) == 4
    assert [int((iris.labels == i).sum()) for i in range(len(iris.classes))] == [50, 50, 50]


# Deck A, lab boundary


def test_label_spreading_with_30_50_and_100_percent_of_the_labels() -> None:
    spread = [region for region in discern.lab("boundary").regions if region.name.startswith("spread")]
    shares = [1 - len(region.unlabelled) / region.learned_n for region in spread]
    assert shares == pytest.approx([0.3, 0.5, 1.0], abs=0.02)


def test_linear_and_quadratic_discriminant_analysis_and_an_svc_with_an_rbf_kernel() -> None:
    titles = [region.title for region in discern.lab("boundary").regions]
    assert {"LDA", "QDA", "RBF SVM"} <= set(titles)


def test_iris_has_150_rows_and_3_classes_of_50() -> None:
    sample = discern.lab("boundary").sample
    assert (sample.points.shape, np.bincount(sample.labels).tolist()) == ((150, 2), [50, 50, 50])


# Deck D, lab backprop


def test_the_chain_dl_dw_is_minus_2_y_minus_y_hat_times_z31_1_minus_z31_times_z21() -> None:
    found = discern.lab("backprop")
    y, z31, z21 = 1.0, found.nodes["z31"].value, found.nodes["z21"].value
    weight = next(gradient for gradient in found.gradients if gradient.name == "w311")
    assert weight.paths == ("-2 (y - z31) * z31 (1 - z31) * z21",)
    assert weight.gradient == pytest.approx(-2 * (y - z31) * z31 * (1 - z31) * z21, rel=1e-12)
    assert weight.gradient == pytest.approx(weight.autograd, rel=1e-12)
    assert weight.gradient == pytest.approx(weight.limit, abs=1e-6)
    assert weight.stepped == pytest.approx(weight.value - found.learning_rate * weight.gradient, rel=1e-12)


# Deck A, lab encode


def test_a234567890_is_one_letter_and_nine_digits_with_a_checksum_that_fails() -> None:
    found = discern.lab("encode")
    assert found.number == "A234567890"
    assert found.digits.tolist() == [1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 0]  # A counts as 10
    assert found.products.tolist() == [1, 0, 16, 21, 24, 25, 24, 21, 16, 9, 0]
    assert (found.total, found.valid, found.right) == (157, False, "A234567893")


def test_apple_49_banana_39_watermelon_51(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (shared_data / "fruit").is_dir():
        pytest.skip("no fruit")
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    found = discern.lab("encode", what="features")
    counts = dict(zip(found.classes, np.bincount(found.labels).tolist(), strict=True))
    assert counts == {"Apple": 49, "Banana": 39, "Watermelon": 51}
