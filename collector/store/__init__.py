"""The store: changes go in, views come out."""
