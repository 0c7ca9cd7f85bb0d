"""The plant: the wired platform inside its world, with requests flowing through it."""
