"""`git` and `deploys`: what was rolled out."""
