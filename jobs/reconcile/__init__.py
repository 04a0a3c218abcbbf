"""Silver → base (多源校核): one record per real thing; authority decides per element; disagreement is a conflict."""
