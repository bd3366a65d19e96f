"""Faces for programs: the public API by keys, the runners' by signatures."""
