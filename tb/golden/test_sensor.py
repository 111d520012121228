"""The golden sensor: its stages chained in order, and fast enough to follow the simulation."""

import time

import numpy as np
import pytest

from ocellus.compiler.graph import Kind, Network, Operator, Padding, Tensor
from ocellus.decoder import decode
from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus.records import parse_record
from ocellus.settings import UHD, FrameFormat, MetadataSettings, ReadoutSettings, TensorSettings, Window
from ocellus_sim.golden import isp, link, sensor, tensor
from ocellus_sim.golden.sensor import SensorSettings

FRAME = FrameFormat(32, 16, 48, 20)
WHOLE = Window(0, 0, 32, 16)


def settings(shape, frame=FRAME, window=WHOLE, **more):
    """The window scaled to ``shape``, a level of 0 to 255 becoming -128 to 127, and the largest value reported."""
    return SensorSettings(
        TensorSettings.scaled(window, shape, 1 / 255, -128), MetadataSettings.vector(frame, window), frame, **more
    )


def network(shape, *operators):
    """A network of operators that keep the shape."""
    names = ["input", *(o.output for o in operators)]
    tensors = {name: Tensor(name, (1, *shape), (1 / 255,), -128) for name in names}
    return Network("small", "small.tflite", 0x1234, tensors, operators, "input", names[-1])


POOL = Operator(0, Kind.MAX_POOL_2D, ("input",), "pooled", kernel=(3, 3), padding=Padding.SAME)
SOFTMAX = Operator(1, Kind.SOFTMAX, ("pooled",), "likely")


def test_a_red_spot_is_reported_where_it_is():
    raw = np.full((16, 32), 64, np.uint16)
    raw[6, 20] = 1000  # red of the quad at row 3, column 10
    shape = (8, 16, 3)
    copy = Operator(0, Kind.MAX_POOL_2D, ("input",), "copy")
    passage = sensor.run(raw, settings(shape), network(shape, copy))
    (spot,) = parse_record(passage.record).objects
    assert spot.class_index == (3 * 16 + 10) * 3
    assert spot.score == int(passage.rgb[3, 10, 0]) - 128
    assert (spot.centre_x, spot.centre_y, spot.width, spot.height) == (16, 8, 32, 16)


def test_every_intermediate_is_that_of_its_stage():
    rng = np.random.default_rng(7)
    raw = rng.integers(0, 1024, (16, 32), dtype=np.uint16)
    shape = (3, 5, 3)
    s = settings(shape)
    passage = sensor.run(raw, s, network(shape, POOL, SOFTMAX))
    np.testing.assert_array_equal(passage.raw, raw)
    np.testing.assert_array_equal(passage.rgb, isp.process(raw, s.isp))
    np.testing.assert_array_equal(passage.tensor, tensor.scale(passage.rgb, s.tensor))
    assert list(passage.layers) == ["pooled", "likely"]
    assert parse_record(passage.record).network_id == 0x1234


def test_a_softmax_at_the_end_is_left_to_the_host():
    raw = np.random.default_rng(8).integers(0, 1024, (16, 32), dtype=np.uint16)
    shape = (3, 5, 3)
    passage = sensor.run(raw, settings(shape), network(shape, POOL, SOFTMAX))
    np.testing.assert_array_equal(passage.output, passage.layers["pooled"])
    assert (passage.output != passage.layers["likely"]).any()


def test_a_test_pattern_takes_the_place_of_the_array_and_is_flagged():
    shape = (3, 5, 3)
    s = settings(shape, readout=ReadoutSettings(pattern=Pattern.SOLID, solid=500))
    passage = sensor.run(None, s, network(shape, POOL))
    assert (passage.raw == 500).all()
    assert [flag.name for flag in parse_record(passage.record).flags] == ["TEST_PATTERN", "VECTOR"]


def test_the_ticket_and_the_clocks_reach_the_host():
    ticket = {"frame_counter": 9, "timestamp": 1 << 40, "readout_clocks": 5, "lines_lost": 1, "frames_skipped": 0,
              "test_pattern": 0}  # fmt: skip
    spent = {"busy": 51, "weights": 52, "requantiser": 53, "input": 54}
    shape = (3, 5, 3)
    passage = sensor.run(np.zeros((16, 32), np.uint16), settings(shape), network(shape, POOL), ticket, 77, spent)
    ((record,), _, _) = decode(link.record_packet(passage.record, 0))
    assert (record.frame_counter, record.timestamp, record.readout_clocks) == (9, 1 << 40, 5)
    assert (record.lines_lost, record.inference_clocks) == (1, 77)
    clocks = (record.clocks_busy, record.clocks_weights, record.clocks_requantiser, record.clocks_input)
    assert clocks == (51, 52, 53, 54)


def test_frames_and_networks_of_another_size_are_refused():
    shape = (3, 5, 3)
    with pytest.raises(BadInput, match="frame: found 32x14, allowed 32x16"):
        sensor.run(np.zeros((14, 32), np.uint16), settings(shape), network(shape, POOL))
    with pytest.raises(BadInput, match="frame: found none, allowed 32x16"):
        sensor.run(None, settings(shape), network(shape, POOL))
    with pytest.raises(BadInput, match=r"input tensor: found \(3, 5, 3\) in the settings, allowed \(1, 3, 5, 1\)"):
        sensor.run(np.zeros((16, 32), np.uint16), settings(shape), network((3, 5, 1), POOL))


def convolutions(shape, rng):
    """Four convolutions, 32 million multiply-accumulates at 108x192x3: more than a network of this sensor has."""
    tensors = {"input": Tensor("input", (1, *shape), (1 / 255,), -128)}
    operators = []
    before, (rows, columns, channels) = "input", shape
    for n, (stride, made) in enumerate([(2, 16), (1, 16), (2, 32), (1, 32)]):
        rows, columns = -(-rows // stride), -(-columns // stride)
        weights = rng.integers(-127, 128, (made, 3, 3, channels)).astype(np.int8)
        tensors[f"weights{n}"] = Tensor(f"weights{n}", weights.shape, (0.01,) * made, data=weights)
        tensors[f"layer{n}"] = Tensor(f"layer{n}", (1, rows, columns, made), (0.1,), 0)
        operators.append(
            Operator(n, Kind.CONV_2D, (before, f"weights{n}"), f"layer{n}", (3, 3), (stride, stride), Padding.SAME)
        )
        before, channels = f"layer{n}", made
    return Network("stack", "stack.tflite", 1, tensors, tuple(operators), "input", before)


def test_a_4k_frame_takes_less_than_one_and_a_half_seconds(capsys):
    rng = np.random.default_rng(9)
    raw = rng.integers(0, 1024, (2160, 3840), dtype=np.uint16)
    shape = (108, 192, 3)
    net, s = convolutions(shape, rng), settings(shape, UHD, Window(0, 0, 3840, 2160))
    took = []
    for _ in range(3):
        begin = time.thread_time()  # processor time, since other tests may run beside this one
        sensor.run(raw, s, net)
        took.append(time.thread_time() - begin)
    with capsys.disabled():
        print(f"\ngolden sensor, 4K frame: {min(took):.2f} s of processor time", end=" ")
    assert min(took) < 1.5
