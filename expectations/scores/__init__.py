"""Scores (质量评分): A and B of the twenty indicators of GB/T 36344 from the control plane, without Spark."""
