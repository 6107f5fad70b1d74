"""Where bytes come from: S3-compatible stores and the package index. Knows nothing of tables, models or kfp."""
