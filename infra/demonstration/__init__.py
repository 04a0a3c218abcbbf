"""Demonstration departments (示范部门): invented data, the same for the same seed, with planted faults.

Every person, firm and licence is made up. The answer key of the planted faults lies outside the pipeline's sight.
"""
