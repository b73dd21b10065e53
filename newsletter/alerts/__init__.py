"""Telling someone that an issue has not left as it should: by mail, by a command, by a webhook."""
