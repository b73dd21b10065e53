"""What an editor starts with: a new publication, a new issue, an imported article."""
