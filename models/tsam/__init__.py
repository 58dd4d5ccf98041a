"""TSAM: paints holes with aligned features of neighboring frames."""
