"""The names of the cascade's two parts, in one place."""

DETECTOR = 'detector'
REFINER = 'refiner'
PARTS = (DETECTOR, REFINER)
