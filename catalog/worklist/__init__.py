"""Rows that wait to be mended (待处置清单): one view per department over all its resources, and its workbook."""
