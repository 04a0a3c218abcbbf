"""The commands of `python -m catalog` (目录命令行)."""
