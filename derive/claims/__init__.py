"""Published equations as data, held against the derivation."""
