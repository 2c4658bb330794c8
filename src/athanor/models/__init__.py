"""Networks built from specs, saved to and loaded from standard model folders."""
