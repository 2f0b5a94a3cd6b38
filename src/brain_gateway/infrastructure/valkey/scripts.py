"""The Lua of the limit store. Each script is atomic, reads the store's own clock, and touches one hash slot."""

from __future__ import annotations

# KEYS: the limit's hash, the epoch of its part. Fields of the hash: bucket -> count (all instants in microseconds of
# the store's clock; a bucket is an instant divided by the grain, rounded up), and `tat` of limits with a burst.
#
# A token that is granted now is used within `life`, so it counts until now + life + window, and a thousandth of the
# window longer for clocks that run apart. With a burst the grant is recorded as if used at the end of its life (GCRA,
# ITU-T I.371): whenever it is used, the spacing holds. After a loss only reports are taken until the part is settled.
LEASE = """
local epoch, want, need, members = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local requests, window, life = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local grain, burst, backs = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])

local known = redis.call('GET', KEYS[2])
if not known or string.sub(known, 1, 16) ~= epoch then return {-1, 0, 0, 0} end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
if want > 0 and tonumber(string.sub(known, 18)) > now then return {-1, 0, 0, 0} end

local function text(number) return string.format('%.0f', number) end

local book, changed, dead, held, tat = {}, {}, {}, 0, 0
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  if flat[i] == 'tat' then
    tat = tonumber(flat[i + 1])
  else
    local bucket, count = tonumber(flat[i]), tonumber(flat[i + 1])
    if bucket * grain <= now then
      dead[#dead + 1] = flat[i]
    else
      book[bucket] = count
      held = held + count
    end
  end
end
local function count(bucket, number)
  book[bucket] = (book[bucket] or 0) + number
  held = held + number
  changed[bucket] = true
end

local at = 11
for _ = 1, backs do
  local bucket, number = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  if (book[bucket] or 0) >= number then count(bucket, -number) end
  at = at + 2
end
while at < #ARGV do
  count(math.ceil((now + tonumber(ARGV[at])) / grain), tonumber(ARGV[at + 1]))
  at = at + 2
end

local free, receipt = math.max(0, requests - held), 0
local grant = math.min(want, free, math.max(need, math.floor(free / (2 * members))))
if burst > 0 then
  local room = burst
  if tat > now then room = math.floor(burst - (tat - now) * requests / window) end
  grant = math.max(0, math.min(grant, room))
end
if grant > 0 then
  receipt = math.ceil((now + life + window + math.ceil(window / 1000)) / grain)
  count(receipt, grant)
  free = free - grant
  if burst > 0 then tat = math.max(tat, now + life) + math.ceil(grant * window / requests) end
end

local first, last = nil, tat
for bucket, number in pairs(book) do
  if number > 0 then
    if not first or bucket < first then first = bucket end
    if bucket * grain > last then last = bucket * grain end
  end
  if changed[bucket] then
    if number > 0 then redis.call('HSET', KEYS[1], text(bucket), text(number))
    else dead[#dead + 1] = text(bucket) end
  end
end
if #dead > 0 then redis.call('HDEL', KEYS[1], unpack(dead)) end
if grant > 0 and burst > 0 then redis.call('HSET', KEYS[1], 'tat', text(tat)) end
if next(changed) then redis.call('PEXPIREAT', KEYS[1], text(math.ceil(last / 1000) + 1000)) end

local wait = 0
if grant < math.max(1, need) then
  if free <= 0 and first then wait = first * grain - now end
  if burst > 0 then wait = math.max(wait, tat + math.ceil(window / requests) * (1 - burst) - now) end
end
return {grant, receipt, free, math.max(0, math.ceil(wait))}
"""

# KEYS: the epoch of a part; with a count, who has reported. Value of the first: an id of 16 characters, a colon, the
# instant from which grants are made. Who finds it missing or changed and knew another has lost data: grants wait until
# as many have reported as there were, by the word of whoever counted most (the second: member -> its count), and no
# longer than ARGV[3] microseconds.
EPOCH = """
local known, fresh, settle = ARGV[1], ARGV[2], tonumber(ARGV[3])
local member, told = ARGV[4], tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local held = redis.call('GET', KEYS[1])
local id, settled = fresh, 0
if held then id, settled = string.sub(held, 1, 16), tonumber(string.sub(held, 18)) end
if not held or (known ~= '' and id ~= known and settled == 0) then
  if known ~= '' then settled = now + settle end
  redis.call('SET', KEYS[1], id .. ':' .. string.format('%.0f', settled))
elseif told > 0 and id == known and settled > now then
  redis.call('HSET', KEYS[2], member, told)
  redis.call('PEXPIRE', KEYS[2], math.ceil(settle / 1000))
  local counts = redis.call('HVALS', KEYS[2])
  local most = 0
  for _, number in ipairs(counts) do most = math.max(most, tonumber(number)) end
  if #counts >= most then
    settled = now
    redis.call('SET', KEYS[1], id .. ':' .. string.format('%.0f', settled))
  end
end
return {id, math.max(0, settled - now)}
"""

# KEYS: the members, by the instant of their last call. Who has not called for ARGV[2] microseconds is no more.
MEMBERS = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[2]) / 1000))
return redis.call('ZCARD', KEYS[1])
"""
