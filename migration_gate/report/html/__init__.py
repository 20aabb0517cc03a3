"""One page for a browser, whole in itself: no script, nothing loaded, nothing that could be."""
