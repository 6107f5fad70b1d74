"""What is measured of one model: its answers, its time, its memory."""
