"""What every operation of both APIs goes through. A call takes one path:

    Orders.create(amount_kg=10)     a generated builder checks the arguments       arguments
      → Call                        a value: operation and arguments               operation
      → Prepared                    key, reference, bytes, effect: pure            request, identity, reference
      → Attempts                    limiter, attempt, wait, again: the only I/O    sending; http/ below
          → DetachedAttempt         an attempt of a write, which outlives callers  sending
          ↺ AttemptResult → Decision    what came of it, and what follows: pure    outcome, policy
      → the typed value             from bytes in one pass, and by cattrs if odd   codec
        or a Reply, or a CallError  all that is known                              reply

A client is a set of options over a shared session (`client`); resources bind builders to it (`resource`); pagers send
one call after another (`paging`, `prefetch`); documents may lie on other hosts (`document`); and what happens is told
to whoever watches (`telemetry`) and to the log (`log`). What is allowed is in values of its own: times and bytes
(`limits`), repeats (`policy`), and how large an order may be (`ceilings`).
"""
