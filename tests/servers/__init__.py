"""The real servers that tests run against: plain processes on 127.0.0.1, one file a server.

Not how they are obtained: `tools/testbed.py` does that. Rules: free ports, data in memory where the machine has a
place for it, stopped by pid by whoever started them, gone when the test run is gone.
"""
