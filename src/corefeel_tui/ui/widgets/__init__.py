"""One module per widget: attributes come down, messages go up."""
