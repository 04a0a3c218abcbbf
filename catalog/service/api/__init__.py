"""The interface below `/api/v1` (接口): one module a noun, each with a `router`, found and mounted by itself."""
