"""Edition -> Messages -> Deliveries."""
