"""Takes out channels that cannot matter: nobody reads them, or their readers' biases can hold what they are.

Bit-exact. A channel is constant when interval arithmetic over its inputs' ranges leaves one value. A convolution takes
a constant channel into its biases where that is exact: where no window reaches beyond the picture, or where the
constant is the zero point, which is what lies there. Otherwise the channel stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..graph import Kind, Network, Operator, Tensor
from .ranges import channel_ranges, pads

_CHANNELWISE = frozenset(
    {
        Kind.ADD, Kind.SUB, Kind.MUL, Kind.AVERAGE_POOL_2D, Kind.MAX_POOL_2D, Kind.MEAN, Kind.PAD, Kind.QUANTIZE,
        Kind.LOGISTIC, Kind.TANH, Kind.HARD_SWISH, Kind.RELU, Kind.RELU6, Kind.RELU_N1_TO_1, Kind.LEAKY_RELU,
        Kind.RESIZE_NEAREST_NEIGHBOR, Kind.RESIZE_BILINEAR, Kind.DEPTHWISE_CONV_2D, Kind.RESHAPE,
    }
)  # fmt: skip
"""Output channel ``c`` depends on the inputs' channels ``c`` alone, where both have as many."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """A network without its dead channels.

    Attributes
    ----------
    kept : dict
        For every activation, the channels of the full network that are still there, in order.
    live : dict
        For every activation, which of ``kept`` matter; the others are there for a neighbour's sake and may differ.
    notes : tuple of str
        What was taken out.
    """

    network: Network
    kept: Mapping[str, np.ndarray]
    live: Mapping[str, np.ndarray]
    notes: tuple[str, ...]


def without_dead_channels(network: Network) -> Reduced:
    """The smallest network with the same output that this pass can find; the input keeps its channels."""
    network = _with_constants_of_their_own(network)
    work = _Analysis(network)
    kept = work.kept()
    tensors = {name: tensor for name, tensor in network.tensors.items() if tensor.data is None}
    tensors = {name: _cut(tensor, kept.get(name)) for name, tensor in tensors.items()}
    operators = tuple(work.rewritten(operator, kept, tensors) for operator in network.operators)
    for operator in operators:
        for name in operator.inputs:
            if name not in tensors:
                tensors[name] = network.tensors[name]
    channels = {name: np.flatnonzero(mask) for name, mask in kept.items()}
    live = {name: work.live[name][index] for name, index in channels.items()}
    before, after = (sum(map(len, part)) for part in (kept.values(), channels.values()))
    note = f"{before - after} of {before} channels were taken out: nobody reads them, or they are constant"
    notes = (note,) if after < before else ()
    reduced = replace(network, tensors=tensors, operators=operators, notes=(*network.notes, *notes))
    return Reduced(reduced, channels, live, notes)


def _with_constants_of_their_own(network: Network) -> Network:
    """What several operators read is copied: each may lose other channels of it."""
    tensors, operators = dict(network.tensors), []
    seen: set[str] = set()
    for operator in network.operators:
        names = []
        for name in operator.inputs:
            tensor = tensors[name]
            if tensor.data is not None and name in seen:
                name = f"{name} of {operator.number}"
                tensors[name] = replace(tensor, name=name)
            seen.add(name)
            names.append(name)
        operators.append(replace(operator, inputs=tuple(names)))
    return replace(network, tensors=tensors, operators=tuple(operators))


class _Analysis:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.ranges = channel_ranges(network)
        self.live = {name: np.zeros(len(low), bool) for name, (low, _) in self.ranges.items()}
        self.live[network.output][:] = True
        self.live[network.input][:] = True
        for operator in reversed(network.operators):
            for tensor in network.activations_of(operator):
                self.live[tensor.name] |= self._needed(operator, tensor)

    def foldable(self, operator: Operator, tensor: Tensor) -> np.ndarray:
        """Channels of the input that the operator's biases can hold."""
        low, high = self.ranges[tensor.name]
        if operator.kind not in (Kind.CONV_2D, Kind.FULLY_CONNECTED):
            return np.zeros(len(low), bool)
        padded = operator.kind is Kind.CONV_2D and pads(operator, tensor)
        return (low == high) & ((low == tensor.zero_point) | (not padded))

    def _needed(self, operator: Operator, tensor: Tensor) -> np.ndarray:
        """Channels of the input that the operator's live outputs depend on."""
        out, had = self.live[operator.output], len(self.live[tensor.name])
        if operator.kind in (Kind.CONV_2D, Kind.FULLY_CONNECTED):
            used = (_by_channel(self.network.tensors[operator.inputs[1]])[out] != 0).any(axis=(0, 1))
            return _folded(used, had) & ~self.foldable(operator, tensor)
        if operator.kind is Kind.RESHAPE and len(out) % had == 0:
            return _folded(out, had)
        if operator.kind in _CHANNELWISE and len(out) == had and self._same_shape(operator):
            return out.copy()
        return np.ones(had, bool)

    def _same_shape(self, operator: Operator) -> bool:
        """Whether constants and second operands have as many channels as the output."""
        channels = len(self.live[operator.output])
        tensors = (self.network.tensors[name] for name in operator.inputs)
        if operator.kind in (Kind.ADD, Kind.SUB, Kind.MUL):
            return all(t.data is None and t.picture[2] == channels for t in tensors)
        return True

    def kept(self) -> dict[str, np.ndarray]:
        """Live channels, and those that must stay because a neighbour's are live; at least one of every tensor."""
        kept = {name: mask.copy() for name, mask in self.live.items()}
        for mask in kept.values():
            mask[0] |= not mask.any()
        changed = True
        while changed:
            changed = False
            for operator in self.network.operators:
                for tensor in self.network.activations_of(operator):
                    changed |= self._agree(operator, kept[tensor.name], kept[operator.output])
        return kept

    def _agree(self, operator: Operator, x: np.ndarray, out: np.ndarray) -> bool:
        """Makes input and output of a channelwise operator have the same channels; whether something changed."""
        if operator.kind in (Kind.CONV_2D, Kind.FULLY_CONNECTED):
            return False
        before = int(x.sum()), int(out.sum())
        if operator.kind is Kind.RESHAPE and len(out) % len(x) == 0:
            x |= _folded(out, len(x))
            out[:] = np.tile(x, len(out) // len(x))
        elif operator.kind in _CHANNELWISE and len(x) == len(out) and self._same_shape(operator):
            x |= out
            out[:] = x
        else:
            x[:] = out[:] = True
        return before != (int(x.sum()), int(out.sum()))

    def rewritten(self, operator: Operator, kept: dict[str, np.ndarray], tensors: dict[str, Tensor]) -> Operator:
        """The operator with its constants cut; new constants are added to ``tensors``."""
        if operator.kind is Kind.DEPTHWISE_CONV_2D:
            out = kept[operator.output]
            names = [self._constant(name, tensors, out, -1) for name in operator.inputs[1:]]
            return replace(operator, inputs=(operator.inputs[0], *names))
        if operator.kind in (Kind.CONV_2D, Kind.FULLY_CONNECTED):
            return self._rewritten_sum(operator, kept, tensors)
        return operator

    def _constant(self, name: str, tensors: dict[str, Tensor], mask: np.ndarray, axis: int) -> str:
        """A constant cut along the axis of its channels."""
        tensor = self.network.tensors[name]
        assert tensor.data is not None
        data = np.compress(mask, tensor.data, axis=axis)
        scales = tensor.scales
        if len(scales) > 1:
            scales = tuple(np.compress(mask, np.array(scales)).tolist())
        tensors[name] = replace(tensor, shape=data.shape, scales=scales, data=data)
        return name

    def _rewritten_sum(self, operator: Operator, kept: dict[str, np.ndarray], tensors: dict[str, Tensor]) -> Operator:
        x, weights = (self.network.tensors[name] for name in operator.inputs[:2])
        assert weights.data is not None
        out, low = kept[operator.output], self.ranges[x.name][0]
        repeats = weights.data.shape[-1] // len(low)
        mask, constant = np.tile(kept[x.name], repeats), np.tile(low, repeats) - x.zero_point
        gone = _by_channel(weights)[:, :, ~mask].astype(np.int64).sum(axis=1) @ constant[~mask]
        given = self.network.tensors[operator.inputs[2]].data if len(operator.inputs) == 3 else None
        bias = np.zeros(len(weights.data), np.int64) if given is None else given.astype(np.int64).reshape(-1)
        bias = ((bias + gone + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)
        self._constant(weights.name, tensors, out, 0)
        cut = tensors[weights.name]
        assert cut.data is not None
        data = np.compress(mask, cut.data, axis=-1)
        tensors[weights.name] = replace(cut, shape=data.shape, data=data)
        if given is None and not gone.any():
            return operator
        name = operator.inputs[2] if len(operator.inputs) == 3 else f"{operator.output} bias"
        old = self.network.tensors.get(name, Tensor(name, ()))
        tensors[name] = replace(old, shape=(int(out.sum()),), scales=(), data=bias[out])
        return replace(operator, inputs=(*operator.inputs[:2], name))


def _by_channel(weights: Tensor) -> np.ndarray:
    """(outputs, taps, input channels)."""
    assert weights.data is not None
    return weights.data.reshape(len(weights.data), -1, weights.data.shape[-1])


def _folded(mask: np.ndarray, channels: int) -> np.ndarray:
    """Of a flattened picture's elements, which channels any of them belongs to."""
    return np.asarray(mask.reshape(-1, channels).any(axis=0))


def _cut(tensor: Tensor, mask: np.ndarray | None) -> Tensor:
    """The tensor with the kept channels alone."""
    if mask is None:
        return tensor
    return replace(tensor, shape=(*tensor.shape[:-1], int(mask.sum())))
