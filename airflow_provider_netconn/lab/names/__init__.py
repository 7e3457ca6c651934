"""What DNS answers in the lab: one view a virtual network, as Azure resolves, and one of the internet.

Everything is derived from the control plane's store when a name is asked for. The parts, each knowing only those above:

- ``values``: questions, records, answers, views: plain values without a wire format;
- ``addresses``: :class:`.Addresses`, which address an answer carries for one of the landscape (the seam to packets);
- ``public_names``: :class:`.PublicNames`, names that the internet has for resources, and who is behind which address
  (the seam to services);
- ``private_zones``, ``network_names``, ``own_servers``: records of private zones, of machines, of other servers;
- ``resolution``: :class:`.Resolver`, which of those answers a question from where;
- ``servers``: one view over UDP and TCP, and what faults make of it; ``views``: all of them, as networks come and go.
"""
