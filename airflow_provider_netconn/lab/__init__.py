"""A local Azure to try it all on (extra ``lab``): Resource Manager, Entra ID, Graph and the Astro API on loopback.

It knows nothing of the client's code but the published zone table: a lab built from what it tests would only prove that
we agree with ourselves. Nothing outside imports it.
"""
