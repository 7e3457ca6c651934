"""The IP firewalls of services' public endpoints: one model over fifteen services, reading, and who gets in.

:mod:`.table` says where each service keeps its firewall, :mod:`.reading` reads it and :mod:`.interpret` gives its JSON
the model's words; :mod:`.evaluation` judges addresses by it without asking anybody.
"""
