-- Stores a token that was fetched under the lease, and returns its version: higher than
-- any known, and never below Redis's clock, so that emptying Redis can't turn it back.
-- Returns 0 if somebody else has taken over meanwhile.

local token_key, refused_key, lease_key, pause_key, streak_key = unpack(KEYS)
local owner, token, life, known = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pause, streak, streak_life = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local stored = tonumber(redis.call('HGET', token_key, 'version') or 0) or 0
local holder = redis.call('GET', lease_key)
if holder ~= owner and (holder or stored > known) then return 0 end

local now = redis.call('TIME')
local clock = tonumber(now[1]) * 1000000 + tonumber(now[2])
local version = math.max(clock, stored + 1, known + 1)
redis.call('HSET', token_key, 'token', token, 'version', string.format('%.0f', version), 'life', string.format('%.0f', life))
redis.call('PEXPIRE', token_key, life)
redis.call('DEL', lease_key, refused_key, streak_key)
redis.call('SET', pause_key, '', 'PX', pause)
if streak > 0 then redis.call('SET', streak_key, streak, 'PX', streak_life) end
return version
