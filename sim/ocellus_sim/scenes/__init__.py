"""What the sensor looks at: production-line scenes with their ground truth, and photographs as Bayer frames."""

from ocellus.line import isp_settings

from .line import render
from .photographs import load_frame
from .score import Count, Score, pairs, score
from .truth import CLASSES, DEFECTS, PARTS, Kind, Scene, SceneObject, kind_of

__all__ = [
    "CLASSES", "DEFECTS", "PARTS", "Count", "Kind", "Scene", "SceneObject", "Score", "isp_settings", "kind_of",
    "load_frame", "pairs", "render", "score",
]  # fmt: skip
