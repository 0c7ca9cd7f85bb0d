"""Command forms by tool. Importing a module registers its commands."""
