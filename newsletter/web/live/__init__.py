"""The live site: the pages that answer somebody, and those that were written for all."""
