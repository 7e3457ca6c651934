"""Real servers of Debian as private processes on loopback addresses; each a file, each a context manager.

Each has a folder, a configuration and a port of its own, and is apart from any instance that the system runs::

    with RedisServer() as redis:
        check(f"redis://{redis.host}:{redis.port}")

``RedisServer.missing()`` says why a machine cannot run it.
"""
