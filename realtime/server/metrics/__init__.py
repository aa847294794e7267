"""The page /metrics: what is read at that moment, who may read it, and the sum of several processes."""
