"""How many multiplications a network asks for: what utilisation is counted from."""

from ..graph import Kind, Network, Operator

WEIGHTED = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.TRANSPOSE_CONV, Kind.FULLY_CONNECTED)
"""Operators whose products count as work. Sums of pools and copies pass the multipliers too, and count as none."""


def operator_macs(network: Network) -> dict[str, int]:
    """Multiply-accumulates of every operator with weights, by its number as text, padding included, dead ones too."""
    return {str(o.number): _macs(network, o) for o in network.operators if o.kind in WEIGHTED}


def _macs(network: Network, operator: Operator) -> int:
    source, weights = (network.tensors[name] for name in operator.inputs[:2])
    output = network.tensors[operator.output]
    if operator.kind is Kind.TRANSPOSE_CONV:  # every input pixel meets every tap
        rows, columns, channels = source.picture
        return rows * columns * channels * weights.size // weights.shape[3]
    if operator.kind is Kind.DEPTHWISE_CONV_2D:
        return output.size * operator.kernel[0] * operator.kernel[1]
    outputs = weights.shape[0]
    return output.size * weights.size // outputs
