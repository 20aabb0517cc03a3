"""The difference between the schema that the models declare and the one that the migrations build."""
