"""Notices when the gate stops (质量告警): webhook and e-mail, off unless a site sets where they go."""
