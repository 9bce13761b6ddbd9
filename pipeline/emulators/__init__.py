"""Stand-ins of the services: real HTTP on loopback, strict by the documents, exact accounts, faults on demand.

Apart from the rest of the house: what is here is read from the services' documents alone (places as `S0:43`) and knows
no provider page, so that two readings of the same text meet in a rehearsal. `street` opens the doors, and
`rehearsal` adds the folder of published inputs.
"""
