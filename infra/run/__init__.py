"""One round of the demonstration (演示运行): a day through every DAG to the recipient, and the account of it."""
