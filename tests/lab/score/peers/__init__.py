"""The peers: what an engineer has today instead. Each module has `look(hosts, window, folder)`, which returns a report."""
