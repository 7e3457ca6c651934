"""What gets through: the places of a landscape, who listens where, and the two ways to run it.

In short, for the rooms beside this one:

- :mod:`.places`: where packets come from (each virtual network, on-premises site and the internet) and the addresses
  that the platform has in each of them.
- :mod:`.listeners`: the plan of who answers where: each (place, address, port), with the resource behind it.
- :mod:`.addresses`: what a (place, address, port) is on this machine: an address in 127/8 and a high port, the same for
  the lab's life. Whoever serves listens *there*, in both ways to run the lab. On loopback clients dial that; in the
  isolated lab nftables translates, so that clients dial the real address and the true port.
- :mod:`.policy`: who may reach what, and why not; :mod:`.ruleset`: the same as nftables rules.
- :mod:`.isolation`: the namespaces, following the control plane's state; :mod:`.entering`: programs that run inside.
"""
