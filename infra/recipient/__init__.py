"""The recipient's own client (接收方客户端), in an environment of its own and asked through a process.

It is what a receiving department would install, so that its libraries and their versions are none of ours.
"""
