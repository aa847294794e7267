"""What a process counts about itself: `names` has every metric, `instruments` how they count.

Counting is adding to a plain number: no lock, and no call for each socket. `prometheus_client` only writes the text
(`realtime.metrics.exposition`). The page, and what is read from rooms at that moment, are in `realtime.server.metrics`.
"""
