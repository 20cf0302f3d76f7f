"""Workers on a Ray cluster. All that knows Ray."""
