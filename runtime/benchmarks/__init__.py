"""Measurements beside the peers. They need the `bench` extra and are started by hand: `make bench`."""
