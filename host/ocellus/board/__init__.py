"""A board on a serial port: ``ocellus ping``, ``monitor``, ``load``; needs more than NumPy (``ocellus[serial]``)."""
