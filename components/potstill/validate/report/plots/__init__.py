"""The report's pictures, one file each; matplotlib is imported with them, and nowhere else in the report."""
