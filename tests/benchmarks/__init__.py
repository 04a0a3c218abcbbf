"""The benchmarks (基准测试): ours and the obvious road in one go, as ratios; no timing decides a test."""
