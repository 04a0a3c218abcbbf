"""What must be true, and what happens when it is not (数据质量): contract → suite → one pass → gate → report."""
