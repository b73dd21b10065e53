"""What would spoil a morning, found before it does; nothing is sent and nothing changed by looking."""
