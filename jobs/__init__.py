"""Moves the data; the folders are the stages (数据作业), in order: extract, conform, reconcile, curate, publish."""
