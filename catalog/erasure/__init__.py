"""A person everywhere (个人信息查找): every file and table that holds one person, found without trusting any index.

An erasure is proved by a search that knows nothing of how the data came where it is: it opens every file below the
lake, landing and the home, also those that no table names any more, and every table of the control plane.
"""
