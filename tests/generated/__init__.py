"""Rows made by the million, with check characters of their own making."""
