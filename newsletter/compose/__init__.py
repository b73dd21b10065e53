"""Article files -> Issue -> Edition: writes nothing, sends nothing."""
