"""The archive under load: normal, high, and three times too much with faults."""
