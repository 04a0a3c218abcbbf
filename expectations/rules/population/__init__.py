"""Business rules of the population domain (人口)."""
