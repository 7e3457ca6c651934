"""Microsoft Graph, as far as role assignments and applications of Azure need it."""
