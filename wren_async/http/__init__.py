"""The HTTP layers that calls can travel over, each behind the same small seam."""
