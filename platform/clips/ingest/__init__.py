"""
From a stranger's file to a mezzanine: H.264 + AAC in MP4 of one known kind.

`worker` starts `child` in a process with limits; everything that touches the file runs there. Knows no Django.
"""
