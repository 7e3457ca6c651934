"""Who listens: the endpoints behind the lab's resources, as real servers. :mod:`.running` lets them come and go."""
