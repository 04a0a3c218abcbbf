"""The control plane (管控库): what arrived, what ran, what was counted, checked, published and granted.

Tables live in PostgreSQL; `catalog.control.tables` declares them and the migrations under `infra/migrations` make them.
"""
