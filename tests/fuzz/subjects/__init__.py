"""The subjects: what is fed, and what must hold, one file each."""
