"""The fault matrix of delivery.md §4: each row is a test named after it.

F14 (PostgreSQL), F24 (an engine's tasks) and F26 to F28 (web hooks, bounces, the site) come with what they
are about; F29 (migrations) is in tests/readers. tests/bench/crash_campaign.py kills at random moments.
"""
