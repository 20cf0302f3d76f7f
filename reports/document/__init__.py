"""A report's blocks as PDF, as one HTML page, and as files of tables."""
