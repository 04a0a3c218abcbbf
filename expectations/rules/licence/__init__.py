"""Business rules of the licence domain (证照)."""
