"""The network's stage: windows of filled patches in, refined colors out."""
