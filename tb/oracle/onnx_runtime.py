"""ONNX Runtime as users verify with it."""

from ocellus_sim.verify.onnx_runtime import as_golden, is_the_measure, quantised_outputs, run

__all__ = ["as_golden", "is_the_measure", "quantised_outputs", "run"]
