"""Where the system runs: the embedded stack, the demonstration, the JARs and the runbooks (运行环境)."""
