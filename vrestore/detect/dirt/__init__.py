"""Find dirt of film: dust, specks and hairs that are in one frame and in neither of its neighbors."""
