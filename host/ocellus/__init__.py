"""What runs beside the chip: layouts, settings, the network compiler and the record decoder."""
