"""What every operation of both APIs goes through: values that describe calls, and the one place that sends them."""
