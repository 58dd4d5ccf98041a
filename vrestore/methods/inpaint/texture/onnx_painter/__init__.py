"""A painter of the user's own: a network out of an ONNX file, opened, understood and put to work."""
