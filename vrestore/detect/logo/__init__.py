"""Find static overlays: edges that stay where they are while the picture behind them moves."""
