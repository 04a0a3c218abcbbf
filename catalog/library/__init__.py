"""The base libraries as people read them (基础库查阅): from the lake's statements, without Spark."""
