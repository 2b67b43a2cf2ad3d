"""
One really styled frame while somebody drags a slider.

The web process never imports torch: it would cost every worker 300 MB and hang forked children. One process beside it
paints, keeps the decoded frame and the styles' embeddings, and is thrown away when it misbehaves.
"""
