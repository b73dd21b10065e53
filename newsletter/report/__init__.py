"""What an editor wants to know on Monday, in numbers, words and charts."""
