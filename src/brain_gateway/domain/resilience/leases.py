"""A limit that several processes share: tokens leased ahead from a store, so that admission stays synchronous.

Rules:

1. The store grants `count` tokens at its instant t and counts them until t + life + window. The process throws
   away what is unused `life` after it *sent* the question, by its own clock. So each token is used within
   [t, t + life], and no window of the limit's length, wherever it begins, holds more than `requests`.
2. Tokens given back were never used, and are told of once: an answer that did not come is not asked for again.
3. What was asked for follows what is used: about half a life's worth, at most twice the last grant. The store gives
   more than is waited for only while much is left.
4. A refusal holds until the store's next token is due, at most for a life: a flood of refused requests is not a
   flood of questions.
5. Without the store (`LeaseTerms.alone_since`) tokens in hand hold on. Then, unless it is configured to refuse, the
   process goes on with what it held when the store went, and its part of what was left; a window (and a life) later
   with its part of the limit. If all processes lose the store at once the sum stays within the limit. What is
   admitted so is reported when the store is back.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from brain_gateway.domain.resilience.instants import not_before, seconds_until
from brain_gateway.domain.resilience.lease_terms import Ask, Grant, LeaseTerms, lease_life
from brain_gateway.domain.resilience.ledger import Ledger, grain_of
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.resilience.lone_share import AT_ONCE, LoneShare

__all__ = ["Ask", "Grant", "LeaseTerms", "LeasedWindow", "lease_life"]

REST = 0.01  # seconds that a refusal holds at least
SPAN = 0.001  # seconds: demand is measured over no less


class _Lease:
    """Tokens with one receipt."""

    __slots__ = ("count", "receipt", "void_at")

    def __init__(self, count: int, receipt: int, void_at: float) -> None:
        self.count = count
        self.receipt = receipt
        self.void_at = void_at


class LeasedWindow:
    """One caller's limit, as one of several processes sees it. `now` is the process's own monotonic clock.

    `call(window)` is called when the window wants to be asked for (`compose`), once until the answer
    (`granted` or `failed`). `waiting` counts the requests that wait for a token.
    """

    __slots__ = (
        "__weakref__",
        "_ahead_from",  # nothing is asked for ahead of need before
        "_asked",
        "_back",
        "_call",
        "_composed_at",
        "_free",  # what the store said is left; None when that is too long ago
        "_grant",  # size of the last grant
        "_heard_at",
        "_lease",
        "_low",  # the quick way is open while more than these are in hand
        "_queue",
        "_rate",
        "_refused_until",
        "_reserved",
        "_retry_at",
        "_seen",  # the lease and its tokens, as tidy() last found them changed
        "_seen_at",
        "_sending",
        "_settled",
        "_share",
        "_taken",
        "_tokens",
        "_unreported",
        "_void_at",
        "key",
        "life",
        "limit",
        "terms",
        "waiting",
    )

    def __init__(
        self, key: str, limit: RateLimit, terms: LeaseTerms, call: Callable[[LeasedWindow], None]
    ) -> None:
        self.key = key
        self.limit = limit
        self.life = lease_life(limit)
        self.terms = terms
        self.waiting = 0
        self._call = call
        self._lease = _Lease(0, 0, -inf)
        self._queue: list[_Lease] = []  # to be used when the present one is
        self._tokens = self._low = self._reserved = 0
        self._void_at = -inf
        self._back: list[tuple[int, int]] = []
        self._settled = Ledger(grain_of(limit))  # used, and known to the store
        self._unreported = Ledger(grain_of(limit))
        self._sending: Ledger | None = None
        self._asked = False
        self._grant = 1
        self._taken = 0
        self._rate = 0.0
        self._composed_at = self._heard_at = self._refused_until = self._retry_at = -inf
        self._ahead_from = self._seen_at = -inf
        self._seen = (self._lease, 0)
        self._free: int | None = None
        self._share: LoneShare | None = None  # while the store is away

    # Admission

    def admit(self, now: float) -> bool:
        """Whether one more request may pass now; counts it when it may. Not, or not yet: see `undecided`."""
        tokens = self._tokens
        if tokens > self._low and now < self._void_at:
            self._tokens = tokens - 1
            return True
        if self._take(now):
            if self._is_low and now >= self._ahead_from and self.terms.alone_since is None:
                self._ask()  # ahead of need
            return True
        return self.terms.alone_since is not None and self._admit_alone(now)

    def undecided(self, now: float) -> bool:
        """After admit() said False: whether the store must be asked first."""
        return self.terms.alone_since is None and now >= self._refused_until

    def unavailable(self) -> bool:
        """After admit() said False: whether it is for want of the store, not of tokens."""
        terms = self.terms
        return terms.alone_since is not None and (terms.refuses or self.limit.requests < terms.members)

    def remaining(self, now: float) -> int:
        """Tokens in hand: what would be admitted now without asking anybody."""
        return max(0, self._in_hand(now) - self._reserved)

    def retry_after(self, now: float) -> float:
        """Seconds until one more may be admitted, as far as is known; 0.0 when it may be now."""
        if self.remaining(now) > 0:
            return 0.0
        if self.terms.alone_since is None:
            return seconds_until(now, self._retry_at)
        due = min(self._settled.next_expiry(now), self._unreported.next_expiry(now))
        return seconds_until(now, due) if due < inf else AT_ONCE

    def resets_in(self, now: float) -> float:
        """0.0 when nothing is known, held or asked: such a window may be thrown away, a new one decides alike."""
        busy = self._asked or self.waiting or self._in_hand(now) or self._back or now < self._refused_until
        if busy or self._settled.held(now) or self._unreported.held(now) or self._used():
            return self.limit.window + self.life
        return 0.0

    # Talking with the store

    def ask(self) -> None:
        """Let the store be asked, unless that is under way."""
        if not self._asked:
            self._ask()

    def compose(self, now: float) -> Ask:
        """What to ask for; one of `granted` and `failed` must follow."""
        in_hand = self._in_hand(now)
        taken, self._taken = self._taken + self._used(), -self._used()
        span = now - self._composed_at
        self._composed_at = now
        rate = taken / max(span, SPAN)
        self._rate = max(rate, (rate + self._rate) / 2)
        ahead = min(int(self._rate * self.life / 2), 2 * self._grant + 2) - in_hand
        only_tells = self.terms.alone_since is not None or not (self._asked or self.waiting)
        back, self._back = tuple(self._back), []
        report = tuple((expiry - now, count) for expiry, count in self._unreported.entries(now))
        self._sending, self._unreported = self._unreported, Ledger(grain_of(self.limit))
        if only_tells:
            return Ask(0, 0, back, report)
        return Ask(min(self.limit.requests, max(self.waiting, ahead)), self.waiting, back, report)

    def granted(self, sent: float, now: float, ask: Ask, grant: Grant) -> None:
        """The store answered what was asked at the instant `sent`."""
        self._asked = False
        self._known()
        if self.terms.alone_since is None:  # else it is yet to hear of what others admitted
            self._free, self._heard_at = grant.free, now
        if grant.count:
            self._grant = grant.count
            self._queue.append(_Lease(grant.count, grant.receipt, sent + self.life))
            if now >= self._void_at or not self._tokens:
                self._close(now)
            self._mark()
        if grant.count < ask.want:
            self._ahead_from = now + self.life / 4
        if grant.count < max(1, ask.need):
            self._retry_at = sent + grant.retry_after
            if ask.need:
                self._refused_until = now + max(REST, min(grant.retry_after, self.life))

    def failed(self) -> None:
        """No answer came. Tokens that were being given back may have been, or not: they are gone."""
        self._asked = False
        if self._sending is not None:
            self._unreported.absorb(self._sending)
            self._sending = None

    def lost(self, now: float) -> None:
        """The store has forgotten everything: leases are void, and all that was used must be reported. What it said
        was left still holds."""
        self._finish(now)
        self._queue.clear()
        self._back.clear()
        self._unreported.absorb(self._settled)
        self._settled = Ledger(grain_of(self.limit))
        self._refused_until = -inf

    def tidy(self, now: float, release: bool = False) -> bool:
        """Give back what is void and what lay unused for a quarter of a life, or (release) all; True while there
        is anything to look after."""
        if release or self._idle(now):
            self._finish(now)
            for lease in self._queue:
                self._back.append((lease.receipt, lease.count))
            self._queue.clear()
        elif now >= self._void_at:
            self._close(now)
        return bool(self._lease.count or self._queue or self._back)

    def _idle(self, now: float) -> bool:
        if self._seen != (self._lease, self._tokens):
            self._seen, self._seen_at = (self._lease, self._tokens), now
        return now >= self._seen_at + self.life / 4 and not self._reserved

    @property
    def has_news(self) -> bool:
        """Whether the store should be told something."""
        return bool(self._back) or self.has_unreported

    @property
    def has_unreported(self) -> bool:
        """Whether admissions were made that the store does not know."""
        return bool(self._unreported)

    # Tokens that somebody waits for

    def reserve(self, count: int, now: float) -> int:
        """Keep up to `count` tokens for those who wait; how many are kept now that were not."""
        kept = max(0, min(count, self._in_hand(now) - self._reserved))
        self._reserved += kept
        self._mark()
        return kept

    def claim(self) -> None:
        """One who waited comes for it, and asks admit() before anybody else can."""
        self._reserved -= 1
        self._mark()

    # Within

    @property
    def _is_low(self) -> bool:
        """Whether to ask ahead: of two leases in hand each would be smaller than the one before."""
        return not self._asked and not self._queue and self._tokens <= self._low

    def _ask(self) -> None:
        self._asked = True
        self._call(self)

    def _mark(self) -> None:
        self._low = self._reserved if self._queue else max(self._reserved, self._grant // 4)

    def _used(self) -> int:
        return self._lease.count - self._tokens

    def _in_hand(self, now: float) -> int:
        present = self._tokens if now < self._void_at else 0
        return present + sum(lease.count for lease in self._queue if now < lease.void_at)

    def _take(self, now: float) -> bool:
        if self._reserved and self._in_hand(now) <= self._reserved:
            return False
        while not self._tokens or now >= self._void_at:
            if not self._lease.count and not self._queue:
                return False
            self._close(now)
        self._tokens -= 1
        return True

    def _finish(self, now: float) -> None:
        """The present lease is over: what was used counts on, what was not goes back."""
        lease, used = self._lease, self._used()
        if used:
            self._settled.add(not_before(min(now, lease.void_at), self.limit.window), used)
            self._taken += used
        if self._tokens:
            self._back.append((lease.receipt, self._tokens))
        self._lease, self._tokens, self._void_at = _Lease(0, 0, -inf), 0, -inf

    def _close(self, now: float) -> None:
        """Finish the present lease and begin the next."""
        self._finish(now)
        if self._queue:
            self._lease = self._queue.pop(0)
            self._tokens, self._void_at = self._lease.count, self._lease.void_at
        self._mark()

    def _known(self) -> None:
        if self._sending is not None:
            self._settled.absorb(self._sending)
            self._sending = None

    # Without the store

    def _held(self, now: float) -> int:
        sending = self._sending.held(now) if self._sending is not None else 0
        return self._settled.held(now) + self._unreported.held(now) + sending + self._used()

    def _admit_alone(self, now: float) -> bool:
        """Take from this process's part of the limit; the store will be told."""
        terms = self.terms
        if terms.refuses:
            return False
        held = self._held(now)
        share = self._share
        if share is None or share.since != terms.alone_since:
            heard_lately = now - self._heard_at < self.limit.window + self.life
            share = self._share = LoneShare(self.limit, terms, held, self._free if heard_lately else None)
        if not share.admit(now, held):
            return False
        self._unreported.add(not_before(now, self.limit.window), 1)
        self._call(self)
        return True
