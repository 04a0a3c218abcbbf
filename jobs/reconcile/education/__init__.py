"""Logic of their own that base libraries of the education domain have (教育)."""
