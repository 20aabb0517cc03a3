"""Where the migrations are, what they are called, and how they hang together. Reads text; runs nothing."""
