"""What is told of the models, once they have been measured."""
