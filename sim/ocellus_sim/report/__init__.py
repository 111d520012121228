"""The report of a campaign: a page for people, and the same for programs; ``write`` puts both into its folder."""

from .writing import write

__all__ = ["write"]
