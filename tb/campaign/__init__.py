"""Campaigns of many runs."""
