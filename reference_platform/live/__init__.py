"""The platform's real clock, sockets and loops: the same components that are simulated, serving over HTTP."""
