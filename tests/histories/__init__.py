"""Histories against a model (历史对照): hundreds of random lives of records, side by side, against plain Python."""
