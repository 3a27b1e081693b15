"""Placing the orders of a journal, each once, and recovering what an earlier run left open."""
