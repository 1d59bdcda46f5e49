"""The verbs, one a file; each composes the rooms below and computes nothing itself."""
