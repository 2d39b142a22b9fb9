"""What a batch's evidence shows: one module per diagnostic, items in, measurements out."""
