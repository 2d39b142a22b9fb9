"""How untrusted text and measured numbers are written, on every screen and in every report."""
