"""Base → gold (共享表加工): the shared tables of the contracts."""
