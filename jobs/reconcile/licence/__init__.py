"""Logic of their own that base libraries of the licence domain have (电子证照)."""
