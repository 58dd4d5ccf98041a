"""CG-IDN: clears haze with the help of neighboring frames."""
