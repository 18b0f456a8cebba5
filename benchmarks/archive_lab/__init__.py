"""What the archive's benchmarks share: data, peers, ways to measure. Never part of the product."""
