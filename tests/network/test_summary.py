"""The network as a table."""

import pytest

from skmlp.network.layout import Layout, Network
from skmlp.network.summary import summary

NETWORKS = {
    "deep": Network(Layout((8, 12, 300, 7, 1)), ("relu", "tanh", "identity"), "logistic"),
    "shallow": Network(Layout((1000, 1000)), (), "softmax"),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_one_line_a_layer_with_a_heading_and_a_total(network):
    lines = summary(network).splitlines()
    names = [line.split("  ")[0].strip() for line in lines]
    hidden = [f"hidden {number}" for number in range(1, len(network.activations) + 1)]
    assert names == ["layer", *hidden, "output", "total"]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_each_layer_with_its_shape_function_and_parameters(network):
    lines = summary(network).splitlines()[1:-1]
    functions = (*network.activations, network.link)
    for line, (n_in, n_out), function in zip(lines, network.layout.shapes, functions, strict=True):
        assert f" {n_in} -> {n_out} " in line and f" {function} " in line
        assert int(line.split()[-1].replace(",", "")) == n_in * n_out + n_out


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_the_total_is_that_of_the_layers(network):
    *layers, total = (int(line.split()[-1].replace(",", "")) for line in summary(network).splitlines()[1:])
    assert total == sum(layers) == network.layout.size


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_columns_are_aligned(network):
    lines = summary(network).splitlines()
    assert len({len(line) for line in lines}) == 1, "the last column ends flush"
    starts = [lines[0].index(name) for name in ("shape", "activation")]
    for line in lines[1:-1]:
        assert all(line[start] != " " and line[start - 1] == " " for start in starts)


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_learned_scales_of_features_are_part_of_the_first_weights(normalization):
    plain, scaled = (Network(Layout((8, 5, 1), normalization, scaled), ("relu",), "exp") for scaled in (False, True))
    assert summary(plain) == summary(scaled)


def test_large_numbers_are_grouped():
    assert "1,001,000" in summary(NETWORKS["shallow"])
