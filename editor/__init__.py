"""Edit lists: cutting, joining, timing, sound and words over clips. Every edit makes a new clip; none changes one."""
