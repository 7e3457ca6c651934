"""The read side of the Astro API v1: organizations, workspaces, clusters and deployments."""
