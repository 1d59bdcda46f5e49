"""Networks: one architecture a file, and the table of them."""
