"""The Roomwatch collector: stores what rooms said of their connections, and answers for it."""

__version__ = "0.1.0"
