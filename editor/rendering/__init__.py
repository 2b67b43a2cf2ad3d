"""An edit list and its files in, a finished video out. Knows no Django: a task, a command and a test run the same."""
