"""The networks of `make bench-cnn`, what they are to reach, and what others reach on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ocellus.configurations import CONFIGURATIONS
from tb.oracle.builder import Handle, ModelBuilder, Quantisation

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "tflite"
"""Public networks that are no part of the repository."""

LARGE = replace(
    CONFIGURATIONS["ecp5-288"], name="ecp5-288-large", lines=4096, weight_words=1 << 18, parameter_words=8192,
    program_words=65536, layers=256,
)  # fmt: skip
"""The array of ecp5-288 with memories that hold the MobileNets: its clocks, if an ECP5 had so many."""

DEPTHWISE_TARGET = 0.8
"""Share of its cycles' multiplications that every depthwise layer is to do, and of cycles with any."""
ERROR_TARGET = 0.01
"""How far a layer's predicted clocks may be off."""


@dataclass(frozen=True)
class Bench:
    """A network with the cycles that it may take.

    Attributes
    ----------
    targets : mapping
        Cycles by configuration.
    file : str
        Name of a public network; empty where ``make`` builds one.
    peak : int or None
        Bytes of activations that a second run may take.
    keep_dead : bool
        Channels that cannot reach the output are computed all the same.
    """

    name: str
    targets: Mapping[str, int]
    file: str = ""
    make: Callable[[], bytes] = field(default=bytes)
    peak: int | None = None
    keep_dead: bool = False

    @property
    def missing(self) -> str:
        """Why it cannot run; empty when it can."""
        path = DATA / f"{self.file}.tflite"
        return (
            f"found no {path.name} in ../shared/data, which holds the public networks"
            if self.file and not path.is_file()
            else ""
        )

    def content(self) -> bytes:
        """The .tflite file."""
        return (DATA / f"{self.file}.tflite").read_bytes() if self.file else self.make()


def mobilenet_v1_224(seed: int = 1) -> bytes:
    """MobileNetV1-1.0-224: 28 layers of seeded weights, scaled so that activations fill their range."""
    random, model = np.random.default_rng(seed), ModelBuilder()

    def weighted(kind: str, x: Handle, outputs: int, stride: int, kernel: int) -> Handle:
        depthwise = kind == "DEPTHWISE_CONV_2D"
        channels = x.shape[3]
        shape = (1, kernel, kernel, outputs) if depthwise else (outputs, kernel, kernel, channels)
        fan_in = kernel * kernel * (1 if depthwise else channels)
        scales = np.sqrt(2 / fan_in) / 40 * random.uniform(0.7, 1.3, outputs)
        weights = np.clip(np.rint(random.normal(0, 40, shape)), -127, 127)
        bias = np.rint(random.normal(0.3, 0.3, outputs) / (scales * float(x.quantisation.scales[0])))
        out = Quantisation(6 / 255, -128)
        steps = (stride, stride)
        return model.convolution(kind, x, weights, bias, scales.astype(np.float32), out, steps, activation="RELU6")

    x = weighted("CONV_2D", model.input((1, 224, 224, 3), Quantisation(1 / 128, 0)), 32, 2, 3)
    for outputs, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
                            (1024, 1)):  # fmt: skip
        x = weighted("DEPTHWISE_CONV_2D", x, x.shape[3], stride, 3)
        x = weighted("CONV_2D", x, outputs, 1, 1)
    x = model.pool("AVERAGE_POOL_2D", x, (7, 7), (2, 2))
    weights = np.clip(np.rint(random.normal(0, 40, (1001, 1024))), -127, 127)
    flat = model.reshape(x, (1, 1024))
    return model.build(
        model.softmax(model.fully_connected(flat, weights, np.zeros(1001), 0.001, Quantisation(0.1, -20)))
    )


KIB = 1024
BENCHES = (
    Bench("vww-dense", {"ecp5": 57_000, "ecp5-288": 29_000}, "vww_96_int8", peak=24 * KIB, keep_dead=True),
    Bench("vww", {"ecp5": 30_000, "ecp5-288": 16_000}, "vww_96_int8", peak=24 * KIB),
    Bench("resnet-8", {"ecp5": 94_000, "ecp5-288": 48_000}, "pretrainedResnet_quant"),
    Bench("ds-cnn", {"ecp5": 21_000, "ecp5-288": 10_900}, "kws_ref_model"),
    Bench("mobilenet-v1-224", {LARGE.name: 2_100_000, "imx500": 275_000}, make=mobilenet_v1_224, peak=208 * KIB),
    Bench(
        "mobilenet-v2-224", {LARGE.name: 1_250_000, "imx500": 165_000}, "coral_tf2_mobilenet_v2_1.0_224_ptq",
        peak=160 * KIB,
    ),
)  # fmt: skip
"""MobileNetV1's is its topology with seeded weights, in which no channel is dead."""

ANCHORS = (
    ("vww", "Arm Ethos-U55-128, Vela 5.2", "128", "210,256", "27.8 %"),
    ("vww", "Arm Ethos-U55-256, Vela 5.2", "256", "146,940", "19.9 %"),
    ("vww", "Arm Ethos-U55-32", "32", "698,728", "33.5 %"),
    ("vww", "Arm Ethos-U85-2048", "2048", "30,104", "12.1 %"),
    ("vww", "GAP9 NE16", "162", "791,461", "5.8 %"),
    ("vww", "fpgaConvNet on ZC706", "564 DSP", "144,062", "9.2 %"),
    ("vww", "ANPU on VCU128", "-", "69,191", "-"),
    ("resnet-8", "Arm Ethos-U55-256", "256", "107,151", "45.6 %"),
    ("resnet-8", "Arm Ethos-U85-128", "128", "158,417", "61.7 %"),
    ("resnet-8", "fpgaConvNet, made for it", "525 DSP", "27,542", "86.5 %"),
    ("ds-cnn", "Arm Ethos-U55-256", "256", "56,222", "18.5 %"),
    ("mobilenet-v1-224", "Arm Ethos-U55-128", "128", "6.35 M", "69.8 %"),
    ("mobilenet-v1-224", "Arm Ethos-U85-2048", "2048", "502,219", "55.2 %"),
    ("mobilenet-v1-224", "Sony IMX500, with its ISP", "2304", "813,750", ">= 30 %"),
    ("mobilenet-v2-224", "Arm Ethos-U55-128", "128", "6.01 M", "39.1 %"),
    ("mobilenet-v2-224", "Arm Ethos-U85-2048", "2048", "568,188", "25.8 %"),
    ("mobilenet-v2-224", "made for it, arXiv 2407.19449", "~855 DSP", "-", "94.6 %"),
)
"""Network, engine, MACs, cycles, utilisation: figures that these engines' makers or tools give."""
