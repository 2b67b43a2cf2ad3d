"""
From a stranger's sound file to AAC in MP4, and what it sounds like: loudness over time, tempo, beats.

`worker` starts `child` behind the walls of `clips.ingest.sandbox`; everything that touches the file runs there. Knows
no Django.
"""
