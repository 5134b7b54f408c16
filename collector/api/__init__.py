"""HTTP: questions in, JSON and pages out."""
