"""The training loop: plain Python that knows no layer and is handed its back end."""
