"""Entra ID: tokens, the authority that issues them, and the endpoints of managed identities."""
