"""Linking (记录关联): which records of different sources are the same person or legal entity.

By national key first; what has no usable key by a trained model, in three bands: linked, for a person to decide, not
linked.
"""
