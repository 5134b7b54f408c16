"""What `roomwatch demo` runs: an embedded broker, a simulated fleet, faults."""
