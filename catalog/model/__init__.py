"""The floor of the house: contracts, layers, identifiers and codes (目录模型), in pure Python.

Nothing here imports Spark, Airflow, Great Expectations or a web framework, and nothing of the other rooms.
"""
