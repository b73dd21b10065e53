"""The senders we measure ourselves against, each doing the same work in its natural way."""
