"""What the screens say, as plain data: pure functions from a record to cells, rows and numbers."""
