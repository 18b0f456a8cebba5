"""What the standards demand, what is set here, which test shows it, and how that test last ended."""
