"""Campaigns: many independent runs, their results line by line, and the report."""
