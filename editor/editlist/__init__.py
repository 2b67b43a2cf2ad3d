"""What an edit is: the list of what is shown and heard when, and the arithmetic of its time. Knows no Django."""
