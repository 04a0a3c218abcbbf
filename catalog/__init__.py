"""The catalogue of government data resources (政务数据目录): what exists, who owns it, who may use it."""
