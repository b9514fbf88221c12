"""What operators touch: command line, settings, logging, metrics, health, keys and delivery."""
