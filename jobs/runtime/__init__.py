"""What every stage stands on: the Spark connection, Delta writes, the run record, column rules (运行时)."""
