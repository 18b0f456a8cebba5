"""The operator's landing page: the state of the four services, live."""
