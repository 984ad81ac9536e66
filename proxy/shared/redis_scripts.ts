/**
 * What Redis does in one step. Times are its own, in milliseconds.
 *
 * @module
 */

const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/**
 * Probes the store with a write of each kind, so that a server that refuses one kind is down, and returns the era: since when this
 * server knows everything. An era begins when another server answers (it was restarted, or a replica was promoted), when a client was
 * accepted without the store (ARGV[1]), or when nothing is written. A server without a run_id is refused: its restart would not be noticed.
 */
export const LOOK: string = `${NOW}
local info = redis.pcall('INFO', 'server')
local id = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
if not id then return redis.error_reply('NOPERM it does not tell its run_id; allow the user to ask INFO (+info)') end
redis.call('SET', KEYS[2], '1', 'PX', 1000)
redis.call('ZADD', KEYS[3], 1, '')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', 0)
redis.call('ZCARD', KEYS[3])
redis.call('ZREM', KEYS[3], '')
local held = redis.call('HMGET', KEYS[1], 'id', 'since')
local since = tonumber(held[2])
if held[1] ~= id or since == nil or ARGV[1] == '1' then
  since = now
  redis.call('HSET', KEYS[1], 'id', id, 'since', string.format('%.0f', since))
end
redis.call('HSET', KEYS[1], 'seen', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { id .. ' ' .. string.format('%.0f', since), math.max(0, now - since) }`;

/** Takes out what has run out, and puts a session in where there is room. */
export const ENTER: string = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

/** Puts off when sessions of several users run out: ARGV has the time, and for each key the number of its sessions, and these. */
export const RENEW: string = `${NOW}
local at = 2
for i = 1, #KEYS do
  local count = tonumber(ARGV[at])
  for j = at + 1, at + count do redis.call('ZADD', KEYS[i], now + ARGV[1], ARGV[j]) end
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  at = at + count + 1
end
return 1`;
