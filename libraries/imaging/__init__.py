"""Makes pictures of uploaded files in a process of its own, because files may be hostile and decoders have faults."""
