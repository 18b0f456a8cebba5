"""Segmentation algorithms: text in, spans out; no Django, no I/O beyond reading the weights shipped beside the code."""
