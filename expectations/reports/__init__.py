"""Quality reports that people read (质量报告): pages and workbooks per resource and department, made without Spark."""
