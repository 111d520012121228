"""Train the production line's network on rendered scenes and write it as an int8 TensorFlow Lite file.

    .venv-train/bin/python scripts/train/train.py --out host/ocellus/networks

docs/network.md says what the network looks like and how good it is.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# TensorFlow lives in the training environment alone, which type checking does not see.
import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
from examples import SHAPE, examples
from keras import layers
from numpy.typing import NDArray
from targets import target, turned
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from ocellus_sim.scenes.truth import CLASSES, kind_of

TRAINING_SEEDS, VALIDATION_SEEDS = 0, 900_000
SCORES = len(CLASSES)
DEFECT_SHARE = 2.0
"""How much a flaw counts beside a part: flaws are fewer and harder."""
LOWEST = -6.0
"""Scores below this are pushed back: the file has one scale for scores and boxes, and boxes want fine steps."""


def network(width: int = 24, blocks: int = 5) -> keras.Model:
    """Two strides from 108x192 pixels to 27x48 cells, then wide kernels that see a whole part from its middle."""

    def convolution(x: keras.KerasTensor, filters: int, kernel: int, stride: int) -> keras.KerasTensor:
        x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))

    image = x = layers.Input(SHAPE, 1)
    x = convolution(x, 8, 3, 2)
    x = convolution(x, 16, 3, 2)
    for _ in range(blocks):
        x = layers.DepthwiseConv2D(7, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.95)(x)
        x = convolution(x, width, 1, 1)
    bias = keras.initializers.Constant([-3.0] * SCORES + [0.0, 0.0, 4.0, 4.0])
    return keras.Model(image, layers.Conv2D(SCORES + 4, 1, bias_initializer=bias)(x))


def loss(answer: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Focal loss of the scores as in CenterNet (Zhou and others, 2019, equation 1), and the boxes' distance."""
    heat, box, weight = tf.split(answer, [SCORES, 4, 1], axis=-1)
    score, place = tf.split(output, [SCORES, 4], axis=-1)
    sure, unsure = tf.math.log_sigmoid(score), tf.math.log_sigmoid(-score)
    chance = tf.sigmoid(score)
    peak = tf.cast(heat > 0.999, tf.float32)
    hit = -peak * tf.square(1 - chance) * sure
    miss = -(1 - peak) * tf.pow(1 - heat, 4.0) * tf.square(chance) * unsure
    count = tf.reduce_sum(peak) + 1
    far = weight * tf.abs(box - place) * [2.0, 2.0, 1.0, 1.0]
    places = tf.reduce_sum(far) / (tf.reduce_sum(weight) * 4 + 1)
    share = tf.constant([DEFECT_SHARE if kind_of(name) == "defect" else 1.0 for name in CLASSES])
    low = tf.reduce_mean(tf.square(tf.nn.relu(LOWEST - score)))
    return tf.reduce_sum(share * (hit + miss)) / count + 0.6 * places + 0.05 * low


def train(
    model: keras.Model, tensors: NDArray[np.uint8], objects: NDArray[np.float32], epochs: int, batch: int, rate: float
) -> None:
    """Adam with a falling rate; prints the loss of each epoch."""
    rng = np.random.default_rng(1)
    answers = np.stack([target(o) for o in objects])
    steps = len(tensors) // batch
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, max(epochs * steps - 200, 1), alpha=0.01, warmup_target=rate, warmup_steps=200
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        slopes, _ = tf.clip_by_global_norm(tape.gradient(value, model.trainable_variables), 5.0)
        optimizer.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
        return value

    for epoch in range(epochs):
        began, total = time.monotonic(), 0.0
        order = rng.permutation(len(tensors))
        for at in range(steps):
            chosen = order[at * batch : (at + 1) * batch]
            x, y = turned(tensors[chosen], answers[chosen], rng)
            total += float(step(tf.constant(x), tf.constant(y)))
        print(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}, {time.monotonic() - began:.0f} s", flush=True)


def quantise(model: keras.Model, tensors: NDArray[np.uint8]) -> bytes:
    """The int8 file: weights per channel, activations by the ranges that ``tensors`` give.

    An all-black and an all-white tensor are among them, so that the input's scale is 1/255 and its zero point -128.
    """

    def samples():  # the converter's own protocol
        yield [np.zeros((1, *SHAPE), np.float32)]
        yield [np.ones((1, *SHAPE), np.float32)]
        for item in tensors:
            yield [item[None].astype(np.float32) / 255]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return named(converter.convert())


def named(content: bytes) -> bytes:
    """The same file with short names of its own for the tensors: reports and waveforms show them."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    kinds = {code.builtinCode: name.lower() for name in ("CONV_2D", "DEPTHWISE_CONV_2D")
             for code in model.operatorCodes if code.builtinCode == getattr(schema.BuiltinOperator, name)}  # fmt: skip
    graph.tensors[graph.inputs[0]].name = b"image"
    for number, operator in enumerate(graph.operators):
        kind = kinds[model.operatorCodes[operator.opcodeIndex].builtinCode].removesuffix("_2d")
        name = f"{number:02d}_{kind}" if number + 1 < len(graph.operators) else "heatmap"
        for tensor, end in zip((operator.outputs[0], *operator.inputs[1:]), ("", "/weights", "/bias"), strict=True):
            graph.tensors[tensor].name = f"{name}{end}".encode()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def main() -> None:
    """Scenes, training, quantisation, files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/train"))
    parser.add_argument("--work", type=Path, default=Path("build/train"), help="where scenes and checkpoints are kept")
    parser.add_argument("--resume", type=Path, help="weights to start from")
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(20)

    tensors, objects = examples(TRAINING_SEEDS, given.scenes, given.work, given.threads)
    model = network()
    if given.resume:
        model.load_weights(given.resume)
    train(model, tensors, objects, given.epochs, given.batch, given.rate)
    model.save_weights(given.work / "line.weights.h5")
    validation, _ = examples(VALIDATION_SEEDS, 400, given.work, given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "line.tflite").write_bytes(quantise(model, validation[:200]))
    describe(given.out / "line.json")


def describe(path: Path) -> None:
    """The host's description beside the file; ``threshold.py`` sets the threshold."""
    classes = [{"name": name, "kind": kind_of(name)} for name in CLASSES]
    content = {"name": "line", "head": "heatmap", "classes": classes, "threshold": 0, "mean": [0.0] * 3}
    path.write_text(json.dumps({**content, "deviation": [1.0] * 3}, indent=2) + "\n")


if __name__ == "__main__":
    main()
