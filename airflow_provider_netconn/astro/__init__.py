"""What Astro says: the read side of its API, and from which addresses a Deployment's tasks reach the internet."""
