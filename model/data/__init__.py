"""Data sets: the course's files, the Hugging Face hub, a task's own CSV file, and synthetic text."""
