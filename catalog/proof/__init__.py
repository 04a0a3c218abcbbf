"""Proof that nothing was lost (账实核对): tables against each other and the ledger, record by record, key by key."""
