"""Constants that several operators read: each operator may lose other channels of them."""

from dataclasses import replace

import numpy as np

from ocellus.compiler.passes.dead_channels import without_dead_channels
from ocellus.compiler.tflite_file import parse_network
from ocellus_sim.golden import cnn
from tb.oracle.builder import ModelBuilder, Quantisation


def test_shared_weights_are_cut_for_each_reader_alone():
    random = np.random.default_rng(0)
    model, q = ModelBuilder(), Quantisation(0.05, -128)
    dead = np.array([0, -(2**28), 0, 0, -(2**28), 0, 0, -(2**28)])
    x = model.input((1, 4, 4, 8), q)
    y = model.convolution("CONV_2D", x, random.integers(-20, 20, (8, 1, 1, 8)), dead, 0.01, q)
    y = model.convolution("CONV_2D", y, random.integers(-20, 20, (8, 1, 1, 8)), np.zeros(8), 0.01, q)
    network = parse_network(model.build(y))
    first, second = network.operators
    second = replace(second, inputs=(second.inputs[0], first.inputs[1], *second.inputs[2:]))
    network = replace(network, operators=(first, second))
    reduced = without_dead_channels(network)
    assert reduced.kept[first.output].tolist() == [0, 2, 3, 5, 6]
    given = random.integers(-128, 128, (1, 4, 4, 8)).astype(np.int8)
    want = cnn.run(network, given)[network.output]
    assert (cnn.run(reduced.network, given)[network.output] == want).all()
