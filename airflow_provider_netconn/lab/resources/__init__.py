"""The resource types of the local Azure, a file a subject: what is special about each, over the engine in ``arm``."""
