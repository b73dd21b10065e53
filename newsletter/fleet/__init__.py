"""Many machines: the same run, split over an existing engine."""
