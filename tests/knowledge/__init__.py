"""Tests of the tables of the world: their form, and that a line of data is enough."""
