"""Networks and their weights."""

if __name__ != "vrestore.models":
    raise ImportError("import this package as 'vrestore.models'")
