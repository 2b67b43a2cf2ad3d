"""One command that runs the whole site, and takes all of it along when it goes."""
