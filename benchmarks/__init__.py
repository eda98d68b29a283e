"""What each rung costs, in units of native's cost: `pytest benchmarks`."""
