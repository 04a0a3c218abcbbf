"""The catalogue in the forms that others read (目录导出): the 1272号 workbook, DCAT-AP, ODCS, OpenAPI."""
