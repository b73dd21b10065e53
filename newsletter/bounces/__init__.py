"""What comes back: bounces, complaints, and replies that say STOP."""
