"""What we stand on, held against published advisories (依赖漏洞核对)."""
