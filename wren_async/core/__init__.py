"""What every operation of both APIs goes through. A call takes one road:

    Orders.create(amount_kg=10)     a generated builder checks the arguments       arguments
      → Call                        a value: operation and arguments               operation
      → Prepared                    key, reference, bytes, effect: pure            request, identity, reference, writing
      → Trip                        gate, attempt, wait, again: the only I/O       send, session, gate; http/ below
          → Flight                  an attempt of a write, which outlives callers  flight
          ↺ Met → Judgement         what an attempt met, and what follows: pure    outcome, policy, limits
      → the typed value             from bytes in one pass, and by cattrs if odd   codec, native, twins, structuring
        or a Reply, or a CallError  all that is known                              reply, failure

A client is a set of options over a shared session (`client`); resources bind builders to it (`resource`); pagers send
one call after another (`paging`, `ahead`); documents may lie on other hosts (`document`); and each attempt can be
followed (`telemetry`).
"""
