"""Business rules of the legal-entity domain (法人)."""
