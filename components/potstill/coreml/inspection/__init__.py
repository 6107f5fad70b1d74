"""What a package says of itself, in words and numbers; and in what two packages differ."""
