"""What every operation of both APIs goes through. A call takes one road:

    Orders.create(amount_kg=10)     a generated builder checks the arguments       arguments
      → Call                        a value: operation and arguments               operation
      → Prepared                    key, reference, bytes, effect: pure            request, codec, reference, auth
      → Trip                        gate, attempt, wait, again: the only I/O       send, session; http/ below
          ↺ Met → Judgement         what an attempt met, and what follows: pure    outcome, policy
      → Reply, or a CallError       the typed value, or what is known              reply, failure, native, codec

A client is a set of options over a shared session (`client`); resources bind builders to it (`resource`); pagers send
one call after another (`paging`, `ahead`); documents may lie on other hosts (`document`).
"""
