"""Verifications of segmentation, through its front door: memory under load, and over the requests of a day."""
