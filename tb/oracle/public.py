"""Where the public networks lie, and a mark that skips a test where they do not."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared/data"
NETWORKS = ("vww_96_int8", "pretrainedResnet_quant", "kws_ref_model")
"""The ones that fit: VWW, ResNet-8, DS-CNN."""

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no public test data at {DATA}")


def tflite_path(name: str) -> Path:
    """The file of a public network."""
    return DATA / "tflite" / f"{name}.tflite"
