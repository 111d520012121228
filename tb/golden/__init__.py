"""The golden models, pinned to hand-worked numbers and to published ones."""
