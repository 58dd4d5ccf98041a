"""CUDA kernels, one `.cu` and one launcher of the same name each."""

if __name__ != "vrestore.kernels":
    raise ImportError("import this package as 'vrestore.kernels'")
