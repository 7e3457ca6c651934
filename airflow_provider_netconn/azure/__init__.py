"""What Azure's control plane says: one pipeline for the SDK's clients and for a generic one.

Nothing of Azure's SDKs is imported with this package: :class:`.session.AzureSession` does when it is opened. See
``docs/azure.md``.
"""
