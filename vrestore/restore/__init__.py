"""The methods - networks and arithmetic put to a use."""
