"""The Lua of the shared response store. Each script is atomic and touches the keys of one tenant, which share a slot.

Keys of a tenant, behind `{bg:TENANT}:rc:`
    r:SHA1   hash of one resource: `v` the Vary it came with (lines of names, the latest last), selector -> response
    g:SHA1   the number of the last drop of that resource, for an hour
    seq      the number of the last change; purged: that of the last purge
    index    sorted set of resources (service, NUL, target) by the end of their use, in milliseconds
    sizes    hash of bytes by resource; the field of no name is the sum
Numbers are microseconds of the store's clock or one more than the last: they grow even when the data were lost.
"""

from __future__ import annotations

_COMMON = """
local P = string.match(KEYS[1], '^{.*}:rc:')
local function text(number) return string.format('%.0f', number) end
local function now()
  local clock = redis.call('TIME')
  return tonumber(clock[1]) * 1000000 + tonumber(clock[2])
end
local function change()
  local number = math.max(tonumber(redis.call('GET', P .. 'seq') or '0') + 1, now())
  redis.call('SET', P .. 'seq', text(number), 'EX', 2592000)
  return number
end
local function forget(member)
  local gone = redis.call('UNLINK', P .. 'r:' .. redis.sha1hex(member))
  local size = tonumber(redis.call('HGET', P .. 'sizes', member) or '0')
  if size > 0 then
    redis.call('HDEL', P .. 'sizes', member)
    redis.call('HINCRBY', P .. 'sizes', '', text(-size))
  end
  redis.call('ZREM', P .. 'index', member)
  return gone
end
"""

# KEYS, here and below: seq, then all others of its arguments that it may touch. ARGV: resource, mark, selector, Vary,
# response, milliseconds of use, most bytes, most variants.
KEEP = (
    _COMMON
    + """
local member, mark, selector, vary, response = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local use, most, variants = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local sha = redis.sha1hex(member)
if tonumber(redis.call('GET', P .. 'g:' .. sha) or '0') > mark then return 0 end
if tonumber(redis.call('GET', P .. 'purged') or '0') > mark then return 0 end
local key, ms = P .. 'r:' .. sha, now() / 1000
for _, old in ipairs(redis.call('ZRANGEBYSCORE', P .. 'index', '-inf', text(ms), 'LIMIT', 0, 100)) do
  forget(old)
end
if redis.call('HLEN', key) > variants then forget(member) end

local specs, known = {}, redis.call('HGET', key, 'v')
if known then
  for spec in string.gmatch(known .. '\\n', '(.-)\\n') do
    if spec ~= vary then specs[#specs + 1] = spec end
  end
end
specs[#specs + 1] = vary
while #specs > 8 do table.remove(specs, 1) end

local more = #response - redis.call('HSTRLEN', key, selector)
redis.call('HSET', key, 'v', table.concat(specs, '\\n'), selector, response)
use = math.max(use, redis.call('PTTL', key))
redis.call('PEXPIRE', key, text(use))
redis.call('ZADD', P .. 'index', text(ms + use), member)
redis.call('HINCRBY', P .. 'sizes', member, text(more))
local total = redis.call('HINCRBY', P .. 'sizes', '', text(more))
for _ = 1, 100 do
  if total <= most then break end
  local first = redis.call('ZRANGE', P .. 'index', 0, 0)[1]
  if not first then break end
  forget(first)
  total = tonumber(redis.call('HGET', P .. 'sizes', '') or '0')
end
redis.call('EXPIRE', P .. 'index', 2592000)
redis.call('EXPIRE', P .. 'sizes', 2592000)
return 1
"""
)

# KEYS: seq. ARGV: resource, seconds that the drop is remembered.
DROP = (
    _COMMON
    + """
redis.call('SET', P .. 'g:' .. redis.sha1hex(ARGV[1]), text(change()), 'EX', ARGV[2])
return forget(ARGV[1])
"""
)

# KEYS: seq. From now on nothing is kept that was asked for before.
PURGE = _COMMON + "redis.call('SET', P .. 'purged', text(change()), 'EX', 2592000)"

# KEYS: seq. ARGV: resources. How many were there.
FORGET = (
    _COMMON
    + """
local count = 0
for _, member in ipairs(ARGV) do count = count + forget(member) end
return count
"""
)
