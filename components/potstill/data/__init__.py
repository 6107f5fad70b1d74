"""Text tables and token tables: reading, writing, batching. Knows nothing of models or of kfp."""
